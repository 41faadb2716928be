// Asking a running proxy on behalf of a verb: finds its socket, asks, and turns what went wrong into an Error. Main
// thread.
#pragma once

#include <Poco/JSON/Object.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/spec.h"
#include "config/problem.h"
#include "control/client.h"

namespace rpx::serve {

/// A client for the proxy that `common` means; --timeout, or 10 s. Errors: as find_socket.
Result<control::Client> find_proxy(const cli::Common& common);

/// A call that must succeed: the body of a 2xx. Errors: the client's; kInternal with the problem's detail for another
/// status.
Result<std::string> ask(const control::Client& proxy, std::string_view method, std::string_view target,
                        std::string_view body = {});
/// All items of a list, page after page.
Result<std::vector<Poco::JSON::Object::Ptr>> ask_list(const control::Client& proxy, std::string_view target);

/// `text` as an object whose members keep their order. Errors: kBadResponse.
Result<Poco::JSON::Object::Ptr> parse_object(const std::string& text);
/// The problems of a reload or a check, as read() would have found them.
std::vector<config::Problem> problems_of(const Poco::JSON::Object& object, const std::string& member);
/// A member as text; empty when it is null or missing.
std::string text_of(const Poco::JSON::Object& object, const std::string& member);
std::vector<std::string> texts_of(const Poco::JSON::Object& object, const std::string& member);
std::uint64_t number_of(const Poco::JSON::Object& object, const std::string& member);
std::string to_json(const Poco::JSON::Object& object);
/// An array of them, or one a line, as -o json and -o ndjson want it.
std::string to_json(const std::vector<Poco::JSON::Object::Ptr>& objects, bool one_a_line);

/// "1.5 MiB": for people.
std::string bytes_text(std::uint64_t bytes);

}  // namespace rpx::serve
