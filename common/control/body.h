// What handlers that change something share: reading a body member by member, and the line in the log. Any thread.
#pragma once

#include <Poco/Dynamic/Var.h>

#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/log.h"
#include "control/message.h"

namespace rpx::control {

/// One line for each change, with who asked.
void log_change(std::string_view what, const Request& request, LogLevel level, std::string_view outcome);
Error bad_body(std::string detail);
/// What a body that is a JSON object says, member by member; an empty body says nothing. Errors: kBadRequest, and those
/// of `member`.
Status read_members(const std::string& body,
                    const std::function<Status(const std::string& name, const Poco::Dynamic::Var& value)>& member);

}  // namespace rpx::control
