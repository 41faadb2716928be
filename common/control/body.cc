#include "control/body.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include "base/result.h"
#include "base/text.h"

namespace rpx::control {

void log_change(std::string_view what, const Request& request, LogLevel level, std::string_view outcome) {
  const std::string uid = request.asker.who();
  const std::string pid = std::to_string(request.asker.pid);
  log_event(level, what, {{"uid", uid}, {"pid", pid}, {"outcome", outcome}});
}

Error bad_body(std::string detail) { return {ErrorKind::kBadRequest, Side::kClient, std::move(detail)}; }

Status read_members(const std::string& body,
                    const std::function<Status(const std::string& name, const Poco::Dynamic::Var& value)>& member) {
  if (trim(body).empty()) return {};
  try {
    Poco::JSON::Parser parser;
    const auto object = parser.parse(body).extract<Poco::JSON::Object::Ptr>();
    for (const auto& [name, value] : *object) RPX_TRY_VOID(member(name, value));
    return {};
  } catch (const Poco::BadCastException&) {
    return std::unexpected(bad_body("the body is no JSON object"));
  } catch (const Poco::Exception& error) {
    return std::unexpected(bad_body("the body is no JSON: " + error.displayText()));
  }
}

}  // namespace rpx::control
