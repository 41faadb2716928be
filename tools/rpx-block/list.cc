#include "list.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "ask.h"
#include "base/result.h"
#include "base/rfc3339.h"
#include "base/text.h"
#include "source.h"

namespace rpx::block {

namespace {

// Entries sent in one call; a call's body has its limits.
constexpr std::size_t kBatch = 100'000;

IpPrefix whole(const IpAddress& ip) { return {ip, static_cast<std::uint8_t>(ip.is_v4() ? 32 : 128)}; }

// Who is logged in here from elsewhere wants to stay.
void guard_caller(std::vector<Guarded>& out) {
  const char* session = std::getenv("SSH_CONNECTION");
  if (session == nullptr) return;
  const std::string_view text(session);
  if (const auto ip = IpAddress::parse(text.substr(0, text.find(' ')))) out.push_back({whole(*ip), "your own address"});
}

void guard_servers(const std::vector<upstream::UpstreamOptions>& upstreams, std::vector<Guarded>& out) {
  for (const auto& upstream : upstreams) {
    for (const auto& server : upstream.servers) {
      std::string_view host(server.url);
      if (const auto scheme = host.find("://"); scheme != std::string_view::npos) host.remove_prefix(scheme + 3);
      const bool bracketed = host.starts_with('[');
      host = bracketed ? host.substr(1, host.find(']') - 1) : host.substr(0, host.find(':'));
      if (const auto ip = IpAddress::parse(host))
        out.push_back({whole(*ip), fmt::format("a server of {}", upstream.name)});
    }
  }
}

Result<policy::BlockEntry> entry_of(const Poco::JSON::Object& object) {
  policy::BlockEntry out;
  const auto prefix = IpPrefix::parse(serve::text_of(object, "prefix"));
  if (!prefix) return self_error(ErrorKind::kBadResponse, "the proxy answered with an entry that has no prefix");
  out.prefix = *prefix;
  out.until = parse_rfc3339(serve::text_of(object, "until"));
  out.reason = serve::text_of(object, "reason");
  out.source = serve::text_of(object, "source");
  out.hits = serve::number_of(object, "hits");
  return out;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  append_json_escaped(out, text);
  return out + '"';
}

}  // namespace

void add_place(cli::Verb& verb, Place& place) {
  verb.option("--file", "FILE", &place.file, "work on this file, without a proxy")
      .flag("--offline", place.offline, "work on the files of the configuration, without a proxy");
}

Result<List> List::open(const Place& place, const cli::Common& common) {
  List list;
  list.guarded_ = {{*IpPrefix::parse("127.0.0.0/8"), "loopback"}, {*IpPrefix::parse("::1"), "loopback"}};
  guard_caller(list.guarded_);
  if (!place.file.empty()) {
    list.options_.files = {place.file};
    list.files_ = list.options_.files;
    return list;
  }
  if (!common.socket.empty() && !place.offline) {
    RPX_TRY(list.proxy_, serve::find_proxy(common));
  }
  auto source = serve::Source::from_file(common, {});
  if (!source) {
    // A proxy that was named by its socket needs no configuration here.
    if (list.proxy_) return list;
    return self_error(ErrorKind::kUsage, "no configuration was found; pass -c FILE, --socket PATH or --file FILE");
  }
  auto loaded = source->load();
  if (!loaded) {
    serve::print_problems(loaded.error());
    return self_error(ErrorKind::kConfig, "the configuration is wrong; pass --file FILE to work without it");
  }
  list.options_ = std::move(loaded->options.blocklist);
  list.files_ = list.options_.files;
  if (list.files_.empty() && !list.proxy_)
    return self_error(ErrorKind::kConfig, "the configuration names no files in [blocklist]; pass --file FILE");
  for (const auto& listener : loaded->options.listen)
    for (const auto& prefixes : {listener.trusted_proxies, listener.proxy_protocol})
      for (const IpPrefix& prefix : prefixes) list.guarded_.push_back({prefix, "a trusted proxy"});
  guard_servers(loaded->options.upstreams, list.guarded_);
  if (!place.offline && !list.proxy_) {
    RPX_TRY(list.proxy_, serve::find_proxy(common));
  }
  return list;
}

Result<std::vector<policy::BlockEntry>> List::entries() const {
  std::vector<policy::BlockEntry> out;
  if (proxy_) {
    RPX_TRY(const auto items, serve::ask_list(*proxy_, "/v1/blocklist"));
    for (const auto& item : items) {
      RPX_TRY(out.emplace_back(), entry_of(*item));
    }
    return out;
  }
  policy::Blocklist list;
  RPX_TRY_VOID(list.configure(options_, std::chrono::system_clock::now()));
  const auto table = list.table();
  out.reserve(table->size());
  for (std::size_t i = 0; i < table->size(); ++i) out.push_back(table->entry(i));
  return out;
}

Result<std::optional<policy::BlockEntry>> List::find(const IpAddress& ip) const {
  if (proxy_) {
    RPX_TRY(const std::string body,
            serve::ask(*proxy_, "POST", "/v1/blocklist/test", fmt::format(R"({{"ip":"{}"}})", ip.to_string())));
    RPX_TRY(const auto object, serve::parse_object(body));
    if (serve::text_of(*object, "blocked") != "true") return std::nullopt;
    RPX_TRY(policy::BlockEntry entry, entry_of(*object->getObject("entry")));
    return entry;
  }
  policy::Blocklist list;
  RPX_TRY_VOID(list.configure(options_, std::chrono::system_clock::now()));
  const auto table = list.table();
  return table->blocks(ip) ? table->find(ip) : std::nullopt;
}

Result<policy::BlockOutcome> List::add_at_proxy(const std::vector<policy::BlockItem>& items) const {
  policy::BlockOutcome out;
  for (std::size_t begin = 0; begin < items.size(); begin += kBatch) {
    std::string body = R"({"entries":[)";
    for (std::size_t i = begin; i < std::min(begin + kBatch, items.size()); ++i) {
      if (i != begin) body += ',';
      body += fmt::format(R"({{"prefix":"{}")", items[i].prefix.to_string());
      if (items[i].until) body += fmt::format(R"(,"until":"{}")", format_rfc3339(*items[i].until));
      if (!items[i].reason.empty()) body += fmt::format(R"(,"reason":{})", quoted(items[i].reason));
      body += '}';
    }
    // Who asks has been asked already: lockout() knows his own address, too.
    body += R"(],"force":true})";
    RPX_TRY(const std::string answer, serve::ask(*proxy_, "POST", "/v1/blocklist", body));
    RPX_TRY(const auto object, serve::parse_object(answer));
    out.added += serve::number_of(*object, "added");
    out.changed += serve::number_of(*object, "changed");
  }
  return out;
}

Status List::del_at_proxy(const std::vector<IpPrefix>& prefixes, policy::BlockOutcome& outcome) const {
  std::string body = R"({"prefixes":[)";
  for (const IpPrefix& prefix : prefixes)
    body += fmt::format(R"({}"{}")", body.ends_with('[') ? "" : ",", prefix.to_string());
  body += "]}";
  RPX_TRY(const std::string answer, serve::ask(*proxy_, "DELETE", "/v1/blocklist", body));
  RPX_TRY(const auto object, serve::parse_object(answer));
  outcome.deleted = serve::number_of(*object, "deleted");
  for (const std::string& text : serve::texts_of(*object, "missing"))
    if (const auto prefix = IpPrefix::parse(text)) outcome.missing.push_back(*prefix);
  return {};
}

Result<policy::BlockOutcome> List::edit(policy::BlockEdit edit) const {
  if (!proxy_) {
    policy::Blocklist list;
    const WallTime now = std::chrono::system_clock::now();
    RPX_TRY_VOID(list.configure(options_, now));
    return list.edit(std::move(edit), now);
  }
  RPX_TRY(policy::BlockOutcome out, add_at_proxy(edit.add));
  if (!edit.del.empty()) RPX_TRY_VOID(del_at_proxy(edit.del, out));
  return out;
}

std::string List::lockout(const std::vector<policy::BlockItem>& items) const {
  for (const policy::BlockItem& item : items)
    for (const Guarded& guarded : guarded_)
      if (item.prefix.contains(guarded.prefix.address) || guarded.prefix.contains(item.prefix.address))
        return fmt::format("{} has addresses of {}, {}", item.prefix.to_string(), guarded.prefix.to_string(),
                           guarded.whose);
  return {};
}

}  // namespace rpx::block
