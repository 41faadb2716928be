// What may become of a request, as a short list of kinds: what is counted, shown with examples, and put into reports.
// Values only.
#pragma once

#include <cstdint>
#include <string_view>

namespace rpx::load {

enum class Failure : std::uint8_t {
  kConnect,   ///< no connection
  kTls,       ///< no handshake, or a certificate that is not trusted
  kTimeout,   ///< no whole reply in time
  kReset,     ///< the connection broke
  kClosed,    ///< the server closed before the reply was whole
  kProtocol,  ///< the reply was no HTTP
  kStatus,    ///< a status that was not wanted
  kHeader,    ///< a field was not there or not as wanted
  kLength,    ///< a body of another length
  kHash,      ///< a body of other content
};
inline constexpr std::size_t kFailures = static_cast<std::size_t>(Failure::kHash) + 1;

/// "connect", "tls", …
std::string_view name_of(Failure failure) noexcept;

}  // namespace rpx::load
