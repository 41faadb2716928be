// What happens in a process, told to whoever listens at the moment: the source of GET /v1/events. publish() is called
// from any thread, workers included: it costs one relaxed load when nobody asked for the kind, and never waits for a
// listener. Listeners are the control API's; each has a bounded queue of its own.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rpx {

enum class EventKind : std::uint8_t {
  kServer,
  kEjection,
  kReload,
  kConfigError,
  kBan,
  kBlocklist,
  kCertificate,
  kAccess,
};

struct EventKindRow {
  EventKind kind;
  std::string_view name;  ///< in ?kinds= and in the field `kind`
  std::string_view doc;   ///< one line, no full stop
};

/// Every kind there is, in the order of the enumeration.
std::span<const EventKindRow> event_kinds() noexcept;
std::string_view name_of(EventKind kind) noexcept;

/// Kinds as a set of bits.
using EventKinds = std::uint32_t;
constexpr EventKinds bit_of(EventKind kind) noexcept { return EventKinds{1} << static_cast<unsigned>(kind); }
/// What is sent to whom asks for nothing in particular: all but `access`, of which there is one for each request.
EventKinds usual_event_kinds() noexcept;
/// "server,ban": nothing when one of the names is none; `bad` is that one then.
std::optional<EventKinds> parse_event_kinds(std::string_view names, std::string_view& bad) noexcept;

/// A named value of an event, borrowed for the call.
struct EventField {
  std::string_view name;  ///< snake_case
  std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool> value;
};

struct Event {
  EventKind kind;
  std::string id;    ///< of this process and this event; later ones of one process compare greater by their number
  std::string json;  ///< one object in one line: time, kind and the fields
};

/// Whether somebody listens to `kind`, so that callers may skip building expensive values.
bool event_wanted(EventKind kind) noexcept;
void publish(EventKind kind, std::initializer_list<EventField> fields);
/// For kAccess: `object` is JSON of one line already, as the access log has it.
void publish_json(EventKind kind, std::string_view object);

/// A queue of what is published while it lives. Made, read and destroyed by one thread; filled by all.
class EventQueue {
 public:
  using Pointer = std::shared_ptr<const Event>;
  static constexpr std::size_t kMost = 1024;

  /// Beginning with what came after the event `last_id` as far as it is still known, when that is not empty; what is
  /// remembered are the last 256 events that are no `access`. `wake` is called by whoever publishes when the queue was
  /// empty before, under a lock: it only tells another thread.
  EventQueue(EventKinds kinds, std::string_view last_id, std::function<void()> wake);
  ~EventQueue();
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  /// The next one; null when there is none now.
  Pointer take();
  /// How many were lost since the last call because the queue was full.
  std::uint64_t take_dropped();

 private:
  friend struct EventHub;
  const EventKinds kinds_;
  const std::function<void()> wake_;
  std::mutex mutex_;
  std::deque<Pointer> waiting_;
  std::uint64_t dropped_ = 0;
};

}  // namespace rpx
