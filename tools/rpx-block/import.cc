#include "import.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <iterator>

#include "base/result.h"
#include "base/rfc3339.h"
#include "base/text.h"

namespace rpx::block {

namespace {

constexpr std::size_t kMostBad = 20;
constexpr std::size_t kMostReason = 200;

void complain(Imported& out, std::size_t line, std::string why) {
  if (out.bad.size() < kMostBad) out.bad.push_back({static_cast<std::uint32_t>(line), std::move(why)});
}

// A reason from elsewhere, made fit to stand in a line.
std::string tidy(std::string_view text) {
  std::string out(trim(text.substr(0, kMostReason)));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '#') c = ' ';
  out = std::string(trim(out));
  return policy::check_block_reason(out) ? out : std::string();
}

void take(Imported& out, std::size_t line, std::string_view address, std::optional<WallTime> until,
          std::string_view reason, WallTime now) {
  const auto prefix = IpPrefix::parse(trim(address));
  if (!prefix) return complain(out, line, fmt::format("no address or prefix: \"{}\"", tidy(address)));
  if (until && *until <= now) return;
  out.items.push_back({*prefix, until, tidy(reason)});
}

std::string_view unquoted(std::string_view text) {
  text = trim(text);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return text;
}

void read_line(Imported& out, std::size_t number, std::string_view line, WallTime now) {
  line = line.substr(0, line.find(';'));
  const auto read = policy::parse_block_line(line);
  if (!read) return complain(out, number, read.error().detail);
  if (*read && (!(*read)->until || *(*read)->until > now))
    out.items.push_back({(*read)->prefix, (*read)->until, tidy((*read)->reason)});
}

void read_csv(Imported& out, std::size_t number, std::string_view line, WallTime now) {
  const auto fields = split(line, ',');
  const std::string_view address = unquoted(fields.front());
  // A heading is no entry.
  if (number == 1 && !IpPrefix::parse(address)) return;
  const auto until = fields.size() > 1 ? parse_rfc3339(unquoted(fields[1])) : std::nullopt;
  const std::size_t rest = until || (fields.size() > 2 && trim(fields[1]).empty()) ? 2 : 1;
  take(out, number, address, until, fields.size() > rest ? unquoted(fields[rest]) : "", now);
}

// add NAME 192.0.2.0/24 timeout 600 comment "why"
void read_ipset(Imported& out, std::size_t number, std::string_view line, WallTime now) {
  const auto words = split(line, ' ');
  if (words.front() != "add" || words.size() < 3) return;
  std::optional<WallTime> until;
  std::string_view reason;
  for (std::size_t i = 3; i + 1 < words.size(); ++i) {
    const auto seconds = words[i] == "timeout" ? parse_uint(words[i + 1]) : std::nullopt;
    if (seconds && *seconds != 0 && *seconds < 10'000'000'000) until = now + std::chrono::seconds(*seconds);
    if (words[i] == "comment")
      reason = unquoted(line.substr(static_cast<std::size_t>(words[i + 1].data() - line.data())));
  }
  take(out, number, words[2], until, reason, now);
}

// elements = { 192.0.2.1, 198.51.100.0/24 timeout 1h expires 59m58s, 203.0.113.1-203.0.113.9 }
void read_nft(Imported& out, std::string_view text, WallTime now) {
  constexpr std::string_view kElements = "elements = {";
  for (std::size_t at = text.find(kElements); at != std::string_view::npos; at = text.find(kElements, at)) {
    at += kElements.size();
    const std::string_view body = text.substr(at, text.find('}', at) - at);
    const auto line = static_cast<std::size_t>(std::ranges::count(text.substr(0, at), '\n')) + 1;
    for (const std::string_view element : split(body, ',')) {
      std::optional<Duration> span;
      std::string flat(element);
      std::ranges::replace_if(flat, [](char c) { return c == '\n' || c == '\t' || c == '\r'; }, ' ');
      const auto words = split(trim(flat), ' ');
      for (std::size_t i = 1; i + 1 < words.size(); ++i)
        if (words[i] == "timeout") span = parse_duration(words[i + 1]);
      if (words.front().empty()) continue;
      const auto until =
          span ? std::optional(now + std::chrono::duration_cast<WallTime::duration>(*span)) : std::nullopt;
      take(out, line, words.front(), until, "", now);
    }
  }
}

// What fail2ban says: `fail2ban-client status JAIL`, with all addresses behind one label, or lines of its log. Who was
// let in again later in the log is left out.
void read_fail2ban(Imported& out, std::string_view text, WallTime now) {
  constexpr std::string_view kListed = "Banned IP list:";
  std::string jail;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (const auto name = line.find("jail: "); name != std::string_view::npos) jail = line.substr(name + 6);
    if (const auto list = line.find(kListed); list != std::string_view::npos) {
      for (const std::string_view word : split(trim(line.substr(list + kListed.size())), ' '))
        if (!trim(word).empty()) take(out, number, trim(word), std::nullopt, "fail2ban " + jail, now);
      continue;
    }
    const auto bracket = line.rfind("] ");
    const std::string_view said = bracket == std::string_view::npos ? "" : line.substr(bracket + 2);
    if (!said.starts_with("Ban ") && !said.starts_with("Unban ")) continue;
    const auto prefix = IpPrefix::parse(trim(said.substr(said.find(' '))));
    if (said.starts_with("Unban ") && prefix)
      std::erase_if(out.items, [&](const auto& item) { return item.prefix == *prefix; });
    if (!said.starts_with("Ban ")) continue;
    const std::string_view before = line.substr(0, bracket);
    take(out, number, said.substr(4), std::nullopt, fmt::format("fail2ban {}", before.substr(before.rfind('[') + 1)),
         now);
  }
}

void read_json(Imported& out, const Poco::Dynamic::Var& value, WallTime now) {
  if (value.isString()) return take(out, 1, value.extract<std::string>(), std::nullopt, "", now);
  if (value.type() == typeid(Poco::JSON::Array::Ptr)) {
    for (const auto& item : *value.extract<Poco::JSON::Array::Ptr>()) read_json(out, item, now);
    return;
  }
  if (value.type() != typeid(Poco::JSON::Object::Ptr)) return;
  const auto& object = value.extract<Poco::JSON::Object::Ptr>();
  const auto text = [&](const char* name) {
    const auto member = object->get(name);
    return member.isString() ? member.extract<std::string>() : std::string();
  };
  for (const char* name : {"prefix", "cidr", "ip", "address"}) {
    const std::string address = text(name);
    if (!address.empty())
      return take(out, 1, address, parse_rfc3339(text("until")),
                  text("reason").empty() ? text("sblid") : text("reason"), now);
  }
  for (const auto& [name, member] : *object)
    if (!member.isString()) read_json(out, member, now);
}

// One object a line, as Spamhaus has its DROP lists: {"cidr":"…","sblid":"…","rir":"…"}; what has no prefix is theirs.
bool is_json_lines(std::string_view text) {
  const std::string_view first = trim(text.substr(0, text.find('\n')));
  return first.starts_with('{') && first.ends_with('}') && first.size() + 2 < text.size();
}

void read_json_lines(Imported& out, std::string_view text, WallTime now) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    try {
      Poco::JSON::Parser parser;
      read_json(out, parser.parse(std::string(line)), now);
    } catch (const Poco::Exception& error) {
      complain(out, number, "no JSON: " + tidy(error.displayText()));
    }
  }
}

}  // namespace

Imported import_list(std::string_view text, WallTime now) {
  Imported out;
  const std::string_view begin = text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (is_json_lines(begin)) {
    read_json_lines(out, text, now);
    return out;
  }
  if (begin.starts_with('[') || begin.starts_with('{')) {
    try {
      Poco::JSON::Parser parser;
      read_json(out, parser.parse(std::string(text)), now);
    } catch (const Poco::Exception& error) {
      complain(out, 1, "no JSON: " + tidy(error.displayText()));
    }
    return out;
  }
  if (text.find("Banned IP list:") != std::string_view::npos || text.find("] Ban ") != std::string_view::npos) {
    read_fail2ban(out, text, now);
    return out;
  }
  if (text.find("elements = {") != std::string_view::npos) {
    read_nft(out, text, now);
    return out;
  }
  const bool is_ipset = begin.starts_with("create ") || begin.starts_with("add ");
  const std::string_view first = begin.substr(0, begin.find('\n'));
  const bool is_csv = !begin.starts_with('#') && first.substr(0, first.find(' ')).find(',') != std::string_view::npos;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number;
    if (is_ipset)
      read_ipset(out, number, line, now);
    else if (is_csv && !trim(line).empty())
      read_csv(out, number, line, now);
    else
      read_line(out, number, line, now);
  }
  return out;
}

Result<std::string> read_input(const std::string& name) {
  if (name == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  if (::access(name.c_str(), F_OK) != 0) return self_error(ErrorKind::kUsage, errno_text(name, errno));
  return policy::read_blocklist_file(name);
}

}  // namespace rpx::block
