// Answers from the store: a stored object, parts of it, or that the client has it already. Called by cached.cc; on the
// worker's thread.
#pragma once

#include <optional>

#include "proxy/visit.h"

namespace rpx::proxy {

/// How an answer from the store came about, for Cache-Status.
enum class Via : std::uint8_t { kHit, kStaleOnError, kConfirmed, kJustStored };

/// Cache-Status (RFC 9211), where the route's cache sends it.
void add_status(const Visit& visit, http::Headers& out, std::string_view detail);

/// With a whole object: itself, parts of it as Range asks (several as multipart/byteranges), or 304.
rt::Task<void> answer_stored(Visit& visit, cache::EntryPtr stored, Via via);

/// The same for one whose body is on the disk alone. False: that cannot be read, and nothing has been answered; the
/// store has it no more.
rt::Task<bool> answer_from_disk(Visit& visit, cache::EntryPtr stored, Via via);

/// With what another request is fetching, as it comes: `flight` is open, and for this request.
rt::Task<void> answer_growing(Visit& visit, std::shared_ptr<cache::Flight> flight);

/// With what is stored of an object: just as it came, or `part` of it, which it holds.
rt::Task<void> answer_piece(Visit& visit, cache::EntryPtr piece, std::optional<cache::Part> part);

}  // namespace rpx::proxy
