#include <fmt/format.h>

#include <chrono>
#include <map>
#include <memory>

#include "ask.h"
#include "base/result.h"
#include "base/text.h"
#include "control/json.h"
#include "verbs.h"

namespace rpx::serve {

namespace {

using Object = Poco::JSON::Object;

struct FaultWanted {
  std::vector<std::string> what;  // NAME [off | KEY=VALUE…], or nothing
};

// "delay.time=300ms" as the member of an object, in the units of the control API.
Result<std::string> value_of(std::string_view key, std::string_view text) {
  const auto bad = [&](std::string_view wants) {
    return self_error(ErrorKind::kUsage, fmt::format("{}={}: expected {}", key, text, wants));
  };
  if (key.ends_with(".time") || key.ends_with(".jitter")) {
    const auto span = parse_duration(text);
    if (!span) return bad("a duration such as 300ms");
    return fmt::format("{}", std::chrono::duration<double>(*span).count());
  }
  if (key == "bandwidth" || key.ends_with(".after")) {
    std::string_view size = text;
    if (size.ends_with("/s")) size.remove_suffix(2);
    const auto bytes = parse_size(size);
    if (!bytes) return bad(key == "bandwidth" ? "a rate such as 100KB/s" : "a size such as 1KiB");
    return std::to_string(*bytes);
  }
  if (text.ends_with('%')) text.remove_suffix(1);
  const auto number = parse_uint(text);
  if (!number) return bad("a number");
  return std::to_string(*number);
}

Result<std::string> body_of(const std::vector<std::string>& words) {
  std::map<std::string, std::string> tables;  // members of each, and of the fault itself under ""
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    const std::size_t dot = key.find('.');
    const std::string table = dot == std::string::npos ? "" : key.substr(0, dot);
    if (equals == std::string::npos && dot == std::string::npos && !key.empty()) {
      tables[key];  // "reset": of all requests
      continue;
    }
    if (equals == std::string::npos)
      return self_error(ErrorKind::kUsage,
                        fmt::format("\"{}\": expected off, or KEY=VALUE such as delay.time=300ms", word));
    RPX_TRY(const std::string value, value_of(key, std::string_view(word).substr(equals + 1)));
    std::string& members = tables[table];
    control::Json name;
    name.value(dot == std::string::npos ? key : key.substr(dot + 1));
    members += fmt::format("{}{}:{}", members.empty() ? "" : ",", name.text(), value);
  }
  std::string out;
  for (const auto& [table, members] : tables) {
    if (!out.empty()) out += ',';
    control::Json name;
    name.value(table);
    out += table.empty() ? members : fmt::format("{}:{{{}}}", name.text(), members);
  }
  return "{" + out + "}";
}

Result<std::string> read_or_change(const control::Client& proxy, const std::vector<std::string>& what) {
  const std::string path = "/v1/faults/" + control::encoded_segment(what.front());
  if (what.size() == 1) return ask(proxy, "GET", path);
  if (what.size() == 2 && what[1] == "off") return ask(proxy, "DELETE", path);
  RPX_TRY(const std::string body, body_of({what.begin() + 1, what.end()}));
  return ask(proxy, "PUT", path, body);
}

// "delay 0.3 s (10 %), abort 503".
std::string does_of(const Object& fault) {
  std::string out;
  const auto add = [&out](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
  for (const char* table : {"delay", "abort", "reset", "truncate"}) {
    const auto object = fault.getObject(table);
    if (object.isNull()) continue;
    std::string text = table;
    if (object->has("time")) text += fmt::format(" {} s", text_of(*object, "time"));
    if (object->has("jitter") && text_of(*object, "jitter") != "0")
      text += fmt::format(" ± {} s", text_of(*object, "jitter"));
    if (object->has("status")) text += " " + text_of(*object, "status");
    if (object->has("after")) text += fmt::format(" after {} bytes", text_of(*object, "after"));
    if (number_of(*object, "percent") != 100) text += fmt::format(" ({} %)", number_of(*object, "percent"));
    add(text);
  }
  if (number_of(fault, "bandwidth") != 0) add(fmt::format("{} B/s", number_of(fault, "bandwidth")));
  return out;
}

Result<int> fault(const FaultWanted& wanted, const cli::Common& common) {
  RPX_TRY(const control::Client proxy, find_proxy(common));
  std::vector<Object::Ptr> items;
  if (wanted.what.empty()) {
    RPX_TRY(items, ask_list(proxy, "/v1/faults"));
  } else {
    RPX_TRY(const std::string body, read_or_change(proxy, wanted.what));
    RPX_TRY(items.emplace_back(), parse_object(body));
  }
  if (common.quiet) return 0;
  const cli::Format format = common.resolved_format();
  if (format == cli::Format::kJson || format == cli::Format::kNdjson) {
    cli::write_stdout(to_json(items, format == cli::Format::kNdjson));
    return 0;
  }
  cli::Records records({{"name"}, {"does"}, {"routes"}, {"requests", true}, {"hits", true}});
  for (const Object::Ptr& one : items) {
    const std::string does = does_of(*one);
    records.add({text_of(*one, "name"), does.empty() ? cli::Cell() : cli::Cell(does),
                 fmt::format("{}", fmt::join(texts_of(*one, "routes"), ",")), number_of(*one, "requests"),
                 number_of(*one, "hits")});
  }
  cli::write_stdout(records.render(format, cli::use_color(common.color, cli::stdout_is_terminal())));
  return 0;
}

}  // namespace

void add_fault(cli::App& app) {
  auto wanted = std::make_shared<FaultWanted>();
  app.verb("fault", "change what goes wrong on purpose in the running proxy; or tell what does")
      .example("rpx-serve fault flaky delay.time=300ms delay.percent=10 abort.percent=5",
               "and nothing else, from now on")
      .example("rpx-serve fault flaky off", "until it is changed again, or the configuration does")
      .operand(
          "FAULT...", &wanted->what,
          "a [fault.NAME] of the configuration, then off, or what it does: delay.time=, delay.jitter=, delay.percent=, "
          "abort.status=, abort.percent=, reset.percent=, truncate.after=, truncate.percent=, bandwidth=, seed=; "
          "without a "
          "name, all of them")
      .action([wanted](const cli::Common& common) {
        const Result<int> done = fault(*wanted, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::serve
