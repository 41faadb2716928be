#include "http/server_call.h"

#include "base/result.h"

namespace rpx::http {

// NOLINTNEXTLINE(readability-function-size): a call is all of these
BodySink& ServerCall::begin(H2Slot& slot, const Limits& limits, const RequestLine& line, std::string_view scheme,
                            const Headers& headers, Framing framing, std::string_view protocol) {
  if (!h2_) h2_ = std::make_unique<H2Call>(loop_);
  shared_ = true;
  return h2_->begin(slot, limits, line, scheme, headers, framing, protocol);
}

rt::Task<Status> ServerCall::read_head(Method request_method, Instant deadline) {
  for (;;) {
    RPX_CO_TRY(const bool complete, try_read_head(request_method));
    if (complete) co_return Status{};
    if (shared_) {
      RPX_CO_TRY_VOID(co_await h2_->wait_for_head(deadline));
    } else {
      const rt::Wake wake = co_await h1_->stream().io().readable(deadline);
      RPX_CO_TRY_VOID(H1Call::judge_wait(wake));
    }
  }
}

void ServerCall::interrupt() noexcept {
  if (shared_)
    h2_->interrupt();
  else if (h1_->begun())
    h1_->stream().io().interrupt_read();
}

void ServerCall::release() noexcept {
  h1_->release();
  if (h2_) h2_->release();
}

}  // namespace rpx::http
