#include "proxy/better_form.h"

#include "codec/encoder.h"
#include "proxy/encode.h"

namespace rpx::proxy {
namespace {

// Few at once: others have more urgent work for the same threads.
constexpr std::uint32_t kMostUnderWay = 2;
// Some seconds of work at the levels there are.
constexpr std::size_t kLargestBody = 8 * 1024 * 1024;

std::atomic<std::uint32_t>& under_way() noexcept {
  static std::atomic<std::uint32_t> count{0};
  return count;
}

// The right to make one form; given back however the task ends.
class Claim {
 public:
  Claim(cache::EntryPtr entry, http::Coding coding) : entry_(std::move(entry)), coding_(coding) {
    if (under_way().fetch_add(1, std::memory_order_relaxed) < kMostUnderWay)
      held_ = entry_->want_forms().claim(coding_);
    if (!held_) under_way().fetch_sub(1, std::memory_order_relaxed);
  }
  Claim(Claim&& other) noexcept
      : entry_(std::move(other.entry_)), coding_(other.coding_), held_(std::exchange(other.held_, false)) {}
  Claim& operator=(Claim&&) = delete;
  ~Claim() {
    if (!held_) return;
    entry_->forms()->release(coding_);
    under_way().fetch_sub(1, std::memory_order_relaxed);
  }
  explicit operator bool() const noexcept { return held_; }

 private:
  cache::EntryPtr entry_;
  http::Coding coding_;
  bool held_ = false;
};

rt::Task<void> make_form(Worker& worker, std::shared_ptr<cache::Store> store, cache::EntryPtr entry,
                         http::Coding coding, Claim claim) {
  auto work = [entry, coding] {
    std::string coded;
    if (!codec::encode_once(coding, policy::CompressRule::patient_level(coding), entry->body(), coded)) coded.clear();
    coded.shrink_to_fit();
    return coded;
  };
  Result<std::string> made = co_await worker.offload().run(worker.loop(), std::move(work));
  // Too much waits for a thread: a later hit begins again.
  if (!made) co_return;
  cache::CodedForm form{.final = true};
  if (!made->empty() && made->size() < entry->body().size())
    form.body = std::make_shared<const std::string>(*std::move(made));
  else
    form.useless = true;
  store->put_form(*entry, coding, std::move(form));
}

}  // namespace

void start_better_form(ClientConnection& connection, const Stored& stored, http::Coding coding) {
  if (stored.entry->body().size() > kLargestBody) return;
  Claim claim(stored.entry, coding);
  if (claim)
    connection.worker.run_beside(make_form(connection.worker, stored.store, stored.entry, coding, std::move(claim)));
}

}  // namespace rpx::proxy
