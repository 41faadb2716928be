// Objects of which parts are stored (RFC 9111 sections 3.3 and 3.4): what they answer, and how they are completed.
// Called by cached.cc; on the worker's thread.
#pragma once

#include <optional>
#include <string>

#include "proxy/visit.h"

namespace rpx::proxy {

struct FoundPiece {
  cache::EntryPtr entry;            ///< null: none answers the request
  std::optional<cache::Part> part;  ///< of it; none: all of it, just as it came
};
/// A fresh piece that has what the request's Range asks for.
FoundPiece find_piece(const Visit& visit);

/// What is missing of an object, for a Range: that of a fresh piece that lacks one end and has a strong tag.
struct Missing {
  std::string range;  ///< "bytes=5-"; empty: there is no such piece
  std::string etag;
};
Missing find_missing(const Visit& visit);

/// Forwards the request as one for `missing`, if the object is still the same.
rt::Task<Asked> ask_missing(Visit& visit, Missing missing);

/// Whether the 206 that busy.call holds is the rest that ask_missing() asked for.
bool completes(const Visit& visit, const Missing& missing);

}  // namespace rpx::proxy
