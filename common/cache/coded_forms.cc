#include "cache/coded_forms.h"

#include <utility>

namespace rpx::cache {
namespace {

// A text, its control block and the list link of neither: what a form costs beside its bytes.
constexpr std::size_t kFormBytes = 64;

// The block that they are in, as the allocator gives it.
constexpr std::size_t kOwnBytes = (sizeof(CodedForms) + sizeof(std::size_t) + 15) / 16 * 16;

std::size_t bytes_of(const CodedForm& form) noexcept { return form.body ? form.body->capacity() + kFormBytes : 0; }

}  // namespace

CodedForm CodedForms::find(http::Coding coding) const {
  const std::scoped_lock lock(mutex_);
  return slots_[static_cast<std::size_t>(coding) - 1].form;
}

std::ptrdiff_t CodedForms::put(http::Coding coding, CodedForm form) {
  const std::scoped_lock lock(mutex_);
  CodedForm& kept = slot(coding).form;
  if (kept.final) return 0;
  if (kept.body && form.body && form.body->size() >= kept.body->size()) form.body = kept.body;
  std::size_t bytes = bytes_.load(std::memory_order_relaxed);
  const std::size_t before = bytes;
  if (bytes == 0) bytes = kOwnBytes;
  bytes = bytes - bytes_of(kept) + bytes_of(form);
  kept = std::move(form);
  bytes_.store(bytes, std::memory_order_relaxed);
  return static_cast<std::ptrdiff_t>(bytes) - static_cast<std::ptrdiff_t>(before);
}

bool CodedForms::claim(http::Coding coding) {
  const std::scoped_lock lock(mutex_);
  Slot& wanted = slot(coding);
  return !wanted.form.final && !wanted.form.useless && !std::exchange(wanted.claimed, true);
}

void CodedForms::release(http::Coding coding) {
  const std::scoped_lock lock(mutex_);
  slot(coding).claimed = false;
}

void CodedForms::copy(const CodedForms& other) {
  const std::scoped_lock lock(mutex_, other.mutex_);
  std::size_t bytes = kOwnBytes;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    slots_[i].form = other.slots_[i].form;
    bytes += bytes_of(slots_[i].form);
  }
  bytes_.store(bytes, std::memory_order_relaxed);
}

}  // namespace rpx::cache
