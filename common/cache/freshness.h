// RFC 9111 sections 3 and 4.2: what may be stored, how long it is fresh, how old it is, and what a request may be
// answered with. Pure functions of values, time included; any thread.
#pragma once

#include <string_view>

#include "cache/directives.h"
#include "cache/options.h"
#include "http/message.h"

namespace rpx::cache {

/// A judgement and where it stands written.
struct Reason {
  std::string_view says;     ///< one line, no full stop; static text
  std::string_view section;  ///< "RFC 9111 3.5"; static text
};

/// What of a request the rules look at, taken in one pass over its fields. Views into the request.
struct RequestFacts {
  bool authorized = false;
  bool has_cookie = false;
  std::string_view if_none_match;
  std::string_view if_modified_since;
  std::string_view if_range;
  std::string_view range;
  bool has_preconditions = false;  ///< If-Match or If-Unmodified-Since: for the origin to judge
  bool no_cache_pragma = false;    ///< Pragma: no-cache without Cache-Control (RFC 9111 section 5.4)
  bool has_control = false;        ///< Cache-Control is there: `control` is filled
  Directives control;
};
RequestFacts facts_of(const http::Headers& request);

/// A reply as the rules see it, when it came.
struct Times {
  WallTime asked;     ///< the request was sent
  WallTime answered;  ///< the reply's head was there
};

/// How a stored reply may be used (RFC 9111 section 4.2).
struct Terms {
  Duration lifetime{};
  Duration initial_age{};  ///< at Times::answered (RFC 9111 section 4.2.3)
  Duration stale_while_revalidate{};
  Duration stale_if_error{};
  bool no_cache = false;         ///< to be validated each time (RFC 9111 section 5.2.2.4)
  bool must_revalidate = false;  ///< never used stale (RFC 9111 section 5.2.2.2)
  Reason source;                 ///< where the lifetime is from
  std::vector<std::string> no_cache_fields;
  std::vector<std::string> private_fields;
};

/// What becomes of a reply.
struct Verdict {
  bool store = false;
  Reason why;
  Terms terms;
};

/// Whether the reply to a GET may be stored, and on which terms. `reply` has its end-to-end fields.
Verdict judge_reply(const RequestFacts& request, std::uint16_t status, const http::Headers& reply, Times times,
                    const CacheOptions& options);

/// The age of a reply at `now` (RFC 9111 section 4.2.3).
Duration age_at(const Terms& terms, WallTime answered, WallTime now) noexcept;

enum class Use : std::uint8_t {
  kFresh,    ///< as it is
  kStale,    ///< as it is, though stale, since the client takes that
  kRefresh,  ///< as it is, and revalidate meanwhile (RFC 5861 section 3)
  kValidate  ///< only once the origin has confirmed it
};
struct Decision {
  Use use = Use::kValidate;
  bool on_error = false;  ///< usable when the origin fails (RFC 5861 section 4)
  Reason why;
};
/// What a request may be answered with. `outdated`: a soft purge has been here.
Decision decide(const Terms& terms, Duration age, const RequestFacts& request, bool outdated) noexcept;

/// Whether a reply of this status may be stored without saying so (RFC 9110 section 15.1).
bool is_heuristic_status(std::uint16_t status) noexcept;

}  // namespace rpx::cache
