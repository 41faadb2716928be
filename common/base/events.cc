#include "base/events.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/rfc3339.h"
#include "base/text.h"

namespace rpx {
namespace {

constexpr EventKindRow kKinds[] = {
    {EventKind::kServer, "server", "a server became healthy or not, unreachable or back, ready, drain or maint"},
    {EventKind::kEjection, "ejection", "requests that failed took a server out, or it came back"},
    {EventKind::kReload, "reload", "a configuration was swapped in"},
    {EventKind::kConfigError, "config_error", "a configuration was refused"},
    {EventKind::kBan, "ban", "an address was banned by a rule"},
    {EventKind::kBlocklist, "blocklist", "the blocklist was edited, or read again"},
    {EventKind::kCertificate, "certificate", "certificates were loaded, renewed, or could not be"},
    {EventKind::kAccess, "access", "a request or connection ended, as in a JSON access log; only when asked for"},
};

constexpr std::size_t kRemembered = 256;

// Beside the hub, so that asking costs a load and no guard of a static.
constinit std::atomic<EventKinds> wanted{0};

void append_value(std::string& out, const EventField& field) {
  std::visit(
      [&out](const auto& value) {
        using Value = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, std::string_view>) {
          out += '"';
          append_json_escaped(out, value);
          out += '"';
        } else if constexpr (std::is_same_v<Value, double>) {
          out += std::isfinite(value) ? fmt::format("{}", value) : "null";
        } else {
          out += fmt::format("{}", value);
        }
      },
      field.value);
}

std::string opening(EventKind kind) {
  return fmt::format(R"({{"time":"{}","kind":"{}")", format_rfc3339(std::chrono::system_clock::now()), name_of(kind));
}

}  // namespace

// All queues there are, and what is remembered for those that come back.
struct EventHub {
  static EventHub& instance() {
    static EventHub hub;
    return hub;
  }

  void tell(EventKind kind, std::string json);
  std::uint64_t number_after(std::string_view last_id) const;
  void update_wanted();

  std::mutex mutex;  // guards what follows; held for some list operations, before a queue's own
  std::vector<EventQueue*> queues;
  std::deque<std::pair<std::uint64_t, EventQueue::Pointer>> remembered;
  std::uint64_t made = 0;
  // Tells this process from the one before it at the same socket.
  const std::string prefix = fmt::format(
      "{:x}-{:x}-", ::getpid(),
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
};

void EventHub::tell(EventKind kind, std::string json) {
  const std::scoped_lock lock(mutex);
  const std::uint64_t number = ++made;
  const auto event = std::make_shared<const Event>(
      Event{.kind = kind, .id = fmt::format("{}{}", prefix, number), .json = std::move(json)});
  if (kind != EventKind::kAccess) {
    remembered.emplace_back(number, event);
    if (remembered.size() > kRemembered) remembered.pop_front();
  }
  for (EventQueue* queue : queues) {
    if ((queue->kinds_ & bit_of(kind)) == 0) continue;
    const std::scoped_lock queue_lock(queue->mutex_);
    if (queue->waiting_.size() >= EventQueue::kMost) {
      ++queue->dropped_;
      continue;
    }
    queue->waiting_.push_back(event);
    if (queue->waiting_.size() == 1) queue->wake_();
  }
}

// An id of another process has seen nothing of this one.
std::uint64_t EventHub::number_after(std::string_view last_id) const {
  if (!last_id.starts_with(prefix)) return 0;
  return parse_uint(last_id.substr(prefix.size())).value_or(0);
}

void EventHub::update_wanted() {
  EventKinds all = 0;
  for (const EventQueue* queue : queues) all |= queue->kinds_;
  wanted.store(all, std::memory_order_relaxed);
}

std::span<const EventKindRow> event_kinds() noexcept { return kKinds; }

std::string_view name_of(EventKind kind) noexcept { return kKinds[static_cast<std::size_t>(kind)].name; }

EventKinds usual_event_kinds() noexcept {
  EventKinds all = 0;
  for (const EventKindRow& row : kKinds) all |= bit_of(row.kind);
  return all & ~bit_of(EventKind::kAccess);
}

std::optional<EventKinds> parse_event_kinds(std::string_view names, std::string_view& bad) noexcept {
  EventKinds out = 0;
  while (!names.empty()) {
    const std::size_t comma = std::min(names.find(','), names.size());
    bad = names.substr(0, comma);
    const auto* row = std::ranges::find(kKinds, bad, &EventKindRow::name);
    if (row == std::end(kKinds)) return std::nullopt;
    out |= bit_of(row->kind);
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  bad = {};
  return out == 0 ? usual_event_kinds() : out;
}

bool event_wanted(EventKind kind) noexcept { return (wanted.load(std::memory_order_relaxed) & bit_of(kind)) != 0; }

void publish(EventKind kind, std::initializer_list<EventField> fields) {
  std::string json = opening(kind);
  for (const EventField& field : fields) {
    json += ",\"";
    json += field.name;
    json += "\":";
    append_value(json, field);
  }
  json += '}';
  EventHub::instance().tell(kind, std::move(json));
}

void publish_json(EventKind kind, std::string_view object) {
  // The members of the object follow the kind; the time is among them.
  std::string json = fmt::format(R"({{"kind":"{}",)", name_of(kind));
  json += trim(object).substr(1);
  EventHub::instance().tell(kind, std::move(json));
}

EventQueue::EventQueue(EventKinds kinds, std::string_view last_id, std::function<void()> wake)
    : kinds_(kinds), wake_(std::move(wake)) {
  EventHub& hub = EventHub::instance();
  const std::scoped_lock lock(hub.mutex);
  if (!last_id.empty()) {
    const std::uint64_t seen = hub.number_after(last_id);
    for (const auto& [number, event] : hub.remembered)
      if (number > seen && (kinds_ & bit_of(event->kind)) != 0) waiting_.push_back(event);
  }
  hub.queues.push_back(this);
  hub.update_wanted();
}

EventQueue::~EventQueue() {
  EventHub& hub = EventHub::instance();
  const std::scoped_lock lock(hub.mutex);
  std::erase(hub.queues, this);
  hub.update_wanted();
}

EventQueue::Pointer EventQueue::take() {
  const std::scoped_lock lock(mutex_);
  if (waiting_.empty()) return nullptr;
  Pointer next = std::move(waiting_.front());
  waiting_.pop_front();
  return next;
}

std::uint64_t EventQueue::take_dropped() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(dropped_, 0);
}

}  // namespace rpx
