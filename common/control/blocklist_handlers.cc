#include "control/blocklist_handlers.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <fmt/format.h>

#include <chrono>
#include <initializer_list>

#include "base/log.h"
#include "base/result.h"
#include "base/rfc3339.h"
#include "control/block_guard.h"
#include "control/paging.h"

namespace rpx::control {

namespace {

using Object = Poco::JSON::Object;
using Table = std::shared_ptr<const policy::BlockTable>;

constexpr double kLongestSeconds = 10 * 365 * 86400.0;
constexpr std::string_view kNone = "the configuration has no [blocklist]";

std::unexpected<Error> bad(std::string detail) { return client_error(ErrorKind::kBadRequest, std::move(detail)); }

Reply refusal_of(const Error& error) {
  if (error.kind == ErrorKind::kNotFound) return problem_reply(409, error.detail);
  return problem_reply(error.kind == ErrorKind::kBadRequest ? 400 : 500, error.detail);
}

Result<Object::Ptr> parse_body(const std::string& body) {
  try {
    Poco::JSON::Parser parser;
    return parser.parse(body).extract<Object::Ptr>();
  } catch (const Poco::BadCastException&) {
    return bad("the body is no JSON object");
  } catch (const Poco::Exception& error) {
    return bad("the body is no JSON: " + error.displayText());
  }
}

Status check_members(const Object& object, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : object)
    if (std::ranges::find(known, name) == known.end())
      return bad(fmt::format("unknown member \"{}\"; this call takes {}", name, fmt::join(known, ", ")));
  return {};
}

Result<std::string> text_of(const Object& object, const std::string& member) {
  const auto value = object.get(member);
  if (value.isEmpty()) return std::string();
  if (!value.isString()) return bad(fmt::format("{} is a text", member));
  return value.extract<std::string>();
}

Result<IpPrefix> prefix_of(const Poco::Dynamic::Var& value) {
  if (!value.isString()) return bad("a prefix is a text such as \"192.0.2.0/24\"");
  const auto& text = value.extract<std::string>();
  const auto prefix = IpPrefix::parse(text);
  if (!prefix) return bad(fmt::format("\"{}\" is no address and no prefix", text));
  return *prefix;
}

// "until", or "for" seconds from now; nothing for good.
Result<std::optional<WallTime>> end_of(const Object& object, WallTime now) {
  const bool has_span = object.has("for") && !object.isNull("for");
  RPX_TRY(const std::string until, text_of(object, "until"));
  if (has_span && !until.empty()) return bad("an entry has for or until, not both");
  if (has_span) {
    const auto value = object.get("for");
    if (!value.isNumeric() || value.isBoolean()) return bad("for is a number of seconds");
    const double seconds = value.convert<double>();
    if (!(seconds > 0) || seconds > kLongestSeconds) return bad("for is a number of seconds, more than 0");
    return now + std::chrono::duration_cast<WallTime::duration>(std::chrono::duration<double>(seconds));
  }
  if (until.empty()) return std::nullopt;
  const auto time = parse_rfc3339(until);
  if (!time) return bad(fmt::format("until is an RFC 3339 time, not \"{}\"", until));
  return time;
}

// The prefixes of "prefix" and "prefixes".
Result<std::vector<IpPrefix>> prefixes_of(const Object& object) {
  std::vector<IpPrefix> out;
  if (object.has("prefix")) {
    RPX_TRY(out.emplace_back(), prefix_of(object.get("prefix")));
  }
  if (object.has("prefixes")) {
    const auto list = object.getArray("prefixes");
    if (list.isNull()) return bad("prefixes is a list of texts");
    for (const auto& item : *list) {
      RPX_TRY(out.emplace_back(), prefix_of(item));
    }
  }
  return out;
}

// What one object adds: its prefixes, with one end and one reason.
Status add_items(const Object& object, WallTime now, std::vector<policy::BlockItem>& out) {
  RPX_TRY(const std::vector<IpPrefix> prefixes, prefixes_of(object));
  RPX_TRY(const std::optional<WallTime> until, end_of(object, now));
  RPX_TRY(const std::string reason, text_of(object, "reason"));
  RPX_TRY_VOID(policy::check_block_reason(reason));
  for (const IpPrefix& prefix : prefixes) out.push_back({prefix, until, reason});
  return {};
}

// `force`: what would lock out ourselves is meant.
Result<policy::BlockEdit> parse_add(const std::string& body, WallTime now, bool& force) {
  RPX_TRY(const Object::Ptr object, parse_body(body));
  RPX_TRY_VOID(check_members(*object, {"prefix", "prefixes", "for", "until", "reason", "entries", "force"}));
  if (object->has("force")) {
    const auto value = object->get("force");
    if (!value.isBoolean()) return bad("force is true or false");
    force = value.convert<bool>();
  }
  policy::BlockEdit edit;
  RPX_TRY_VOID(add_items(*object, now, edit.add));
  if (object->has("entries")) {
    const auto list = object->getArray("entries");
    if (list.isNull()) return bad("entries is a list of objects");
    for (std::size_t i = 0; i < list->size(); ++i) {
      const auto entry = list->getObject(static_cast<unsigned>(i));
      if (entry.isNull()) return bad("entries is a list of objects");
      RPX_TRY_VOID(check_members(*entry, {"prefix", "for", "until", "reason"}));
      if (!entry->has("prefix")) return bad("an entry needs a prefix");
      RPX_TRY_VOID(add_items(*entry, now, edit.add));
    }
  } else if (edit.add.empty()) {
    return bad("there is nothing to add: this call needs prefix, prefixes or entries");
  }
  return edit;
}

void log_edit(std::string_view what, const Request& request, std::size_t count) {
  log_event(
      LogLevel::kNotice, what,
      {{"uid", request.asker.who()}, {"pid", std::to_string(request.asker.pid)}, {"entries", std::to_string(count)}});
}

void write_entry(Json& json, const policy::BlockEntry& entry) {
  json.open_object();
  json.member("prefix", entry.prefix.to_string()).member("reason", entry.reason).member("source", entry.source);
  json.key("until");
  entry.until ? json.value(format_rfc3339(*entry.until)) : json.null();
  json.member("hits", entry.hits).close_object();
}

// The table as a list of which only a page is looked at.
struct Entries {
  const policy::BlockTable& table;
  std::size_t size() const noexcept { return table.size(); }
  policy::BlockEntry operator[](std::size_t i) const { return table.entry(i); }
};

// An empty one where nobody has been banned yet; null where nobody can be.
Table table_of(Host& host) {
  if (Table table = host.blocklist()) return table;
  return host.options()->bans.empty() ? nullptr : std::make_shared<const policy::BlockTable>();
}

}  // namespace

Reply answer_blocklist(Host& host, const Request& request) {
  const auto page = parse_page(request);
  if (!page) return problem_reply(400, page.error().detail);
  const Table table = table_of(host);
  if (!table) return problem_reply(409, kNone);
  return page_reply(*page, Entries{*table}, write_entry);
}

Reply answer_blocklist_add(Host& host, const Request& request) {
  bool force = false;
  auto edit = parse_add(request.body, std::chrono::system_clock::now(), force);
  if (!edit) return problem_reply(400, edit.error().detail);
  if (!force)
    if (const std::string why = lockout(*host.options(), edit->add); !why.empty()) return problem_reply(403, why);
  const auto done = host.edit_blocklist(*std::move(edit));
  if (!done) return refusal_of(done.error());
  log_edit("blocklist: added", request, done->added + done->changed);
  Json json;
  json.open_object().member("added", done->added).member("changed", done->changed).close_object();
  return json_reply(json);
}

Reply answer_blocklist_del(Host& host, const Request& request) {
  const auto parse = [&]() -> Result<std::vector<IpPrefix>> {
    RPX_TRY(const Object::Ptr object, parse_body(request.body));
    RPX_TRY_VOID(check_members(*object, {"prefix", "prefixes"}));
    return prefixes_of(*object);
  };
  auto prefixes = parse();
  if (!prefixes) return problem_reply(400, prefixes.error().detail);
  if (prefixes->empty()) return problem_reply(400, "there is nothing to delete: this call needs prefix or prefixes");
  const auto done = host.edit_blocklist({.add = {}, .del = *std::move(prefixes)});
  if (!done) return refusal_of(done.error());
  log_edit("blocklist: deleted", request, done->deleted);
  std::vector<std::string> missing;
  for (const IpPrefix& prefix : done->missing) missing.push_back(prefix.to_string());
  Json json;
  json.open_object().member("deleted", done->deleted).member("missing", missing).close_object();
  return json_reply(json);
}

Reply answer_blocklist_test(Host& host, const Request& request) {
  const auto parse = [&]() -> Result<IpAddress> {
    RPX_TRY(const Object::Ptr object, parse_body(request.body));
    RPX_TRY_VOID(check_members(*object, {"ip"}));
    RPX_TRY(const std::string text, text_of(*object, "ip"));
    const auto ip = IpAddress::parse(text);
    if (!ip) return bad(fmt::format("ip \"{}\" is no address", text));
    return *ip;
  };
  const auto ip = parse();
  if (!ip) return problem_reply(400, ip.error().detail);
  const Table table = table_of(host);
  if (!table) return problem_reply(409, kNone);
  const auto entry = table->find(*ip);
  const auto allowed = table->allowed_by(*ip);
  Json json;
  json.open_object().member("ip", ip->to_string()).member("blocked", entry && !allowed).key("allowed_by");
  allowed ? json.value(allowed->to_string()) : json.null();
  json.key("entry");
  entry ? write_entry(json, *entry) : static_cast<void>(json.null());
  json.close_object();
  return json_reply(json);
}

}  // namespace rpx::control
