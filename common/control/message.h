// A call of the control API and its answer as plain values, so that routing and handlers need no socket. Any thread.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/events.h"
#include "config/problem.h"
#include "control/json.h"

namespace rpx::control {

/// Who is at the other end: of the Unix socket, as the kernel says (SO_PEERCRED), or of a TCP connection.
struct Asker {
  uid_t uid = static_cast<uid_t>(-1);  ///< nobody's
  pid_t pid = 0;
  std::string address = {};  ///< of TCP alone
  bool has_token = false;    ///< over TCP: has shown the token of [admin]
  /// Whether everything may be asked, rather than what anybody may.
  bool is_trusted() const noexcept { return address.empty() || has_token; }
  /// The uid, or the address of a client over TCP, as log lines have it.
  std::string who() const { return address.empty() ? std::to_string(uid) : "tcp " + address; }
};

struct Request {
  std::string method;
  std::string target;  ///< origin-form or absolute-form, still percent-encoded
  std::string body;
  Asker asker;
  std::string last_event_id = {};  ///< the header of that name

  // Filled by dispatch() from the target.
  std::vector<std::string> segments;                            ///< of the path, decoded
  std::vector<std::pair<std::string, std::string>> query = {};  ///< decoded
  std::string parameter = {};                                   ///< what stood where the pattern has {…}
};

/// What a call for events asked for.
struct EventsWanted {
  EventKinds kinds = 0;
  std::string last_id;  ///< of the last event it has seen; empty = begin with now
};

struct Reply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string allow = {};  ///< Allow header, with 405
  /// Instead of all this: the connection becomes a stream of events.
  std::optional<EventsWanted> events = {};
};

/// RFC 9457. The title is the status' reason phrase.
Reply problem_reply(int status, std::string_view detail);
/// 422 for a configuration: `detail`, file, line and column of the first error, and all of them in "problems".
Reply problem_reply(const std::vector<config::Problem>& problems);
/// 200 with what `json` holds.
Reply json_reply(Json& json, int status = 200);
/// {"file","line","column","message","warning"}
void write_problem(Json& json, const config::Problem& problem);
/// An array of them.
void write_problems(Json& json, const std::vector<config::Problem>& problems);

}  // namespace rpx::control
