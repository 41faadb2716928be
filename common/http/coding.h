// Content codings (RFC 9110 section 8.4.1) and how a client's Accept-Encoding chooses among them. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "http/headers.h"

namespace rpx::http {

enum class Coding : std::uint8_t { kIdentity, kGzip, kBr, kZstd };
inline constexpr std::array<Coding, 3> kCodings{Coding::kGzip, Coding::kBr, Coding::kZstd};

/// "gzip", "br", "zstd"; "identity".
std::string_view name_of(Coding coding) noexcept;
/// The coding called `name`, in any case; "x-gzip" is gzip (RFC 9110 section 8.4.1.3). Nothing for one we do not speak.
std::optional<Coding> coding_of(std::string_view name) noexcept;

/// The coding for a reply to a request with these fields (RFC 9110 section 12.5.3): the one with the greatest weight,
/// the first in `preference` where several have it. kIdentity where none is welcome, where identity is preferred, and
/// where the client says nothing: what it did not ask for it may not be able to read.
Coding choose_coding(const Headers& request, std::span<const Coding> preference) noexcept;

}  // namespace rpx::http
