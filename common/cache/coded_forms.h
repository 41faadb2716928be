// The coded forms of a stored body: gzip, br and zstd, made once and kept beside it. A form is made quickly for the
// first client that wants it, and better in the background once there are more. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "http/coding.h"

namespace rpx::cache {

/// What is known of one form.
struct CodedForm {
  std::shared_ptr<const std::string> body;  ///< null while there is none
  bool useless = false;                     ///< it would be no shorter than the body as it is
  bool final = false;                       ///< it does not get better
};

class CodedForms {
 public:
  CodedForms() = default;
  CodedForms(const CodedForms&) = delete;
  CodedForms& operator=(const CodedForms&) = delete;

  CodedForm find(http::Coding coding) const;
  /// Keeps `form`, unless one is kept that is final or no longer. Says by how many bytes all forms have grown (may be
  /// negative).
  std::ptrdiff_t put(http::Coding coding, CodedForm form);
  /// True for one caller, who is to make the final form; again once released, and never when it is there.
  bool claim(http::Coding coding);
  void release(http::Coding coding);
  /// Takes over what `other` has. Before this one is shared.
  void copy(const CodedForms& other);
  /// Bytes of memory, once there has been a form.
  std::size_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct Slot {
    CodedForm form;
    bool claimed = false;
  };
  Slot& slot(http::Coding coding) noexcept { return slots_[static_cast<std::size_t>(coding) - 1]; }

  mutable std::mutex mutex_;
  std::atomic<std::size_t> bytes_{0};
  std::array<Slot, http::kCodings.size()> slots_;
};

}  // namespace rpx::cache
