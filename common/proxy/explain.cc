#include "proxy/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/arena.h"
#include "base/result.h"
#include "cache/bypass.h"
#include "cache/disk_store.h"
#include "cache/freshness.h"
#include "http/h1_parse.h"
#include "policy/block_table.h"
#include "proxy/site.h"

namespace rpx::proxy {
namespace {

constexpr std::uint16_t kForbiddenStatus = 403;
constexpr std::uint16_t kNoSuchMethod = 405;

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// The head as a client would send it. Errors: kBadRequest.
Result<std::string> head_text(const ExplainQuestion& question) {
  const auto bad = [](std::string why) { return client_error(ErrorKind::kBadRequest, std::move(why)); };
  const auto scheme = question.url.find("://");
  const bool http = question.url.starts_with("http://") || question.url.starts_with("https://");
  if (!http || question.url.find_first_of(" #") != std::string::npos || has_control(question.url))
    return bad("url is an absolute URL of http or https, without a fragment");
  if (question.method.empty() || has_control(question.method) || question.method.find(' ') != std::string::npos)
    return bad("method is one word");
  const std::size_t end = std::min(question.url.find_first_of("/?", scheme + 3), question.url.size());
  std::string target = question.url.substr(end);
  if (!target.starts_with('/')) target.insert(0, "/");
  std::string out = fmt::format("{} {} HTTP/1.1\r\n", question.method, target);
  bool has_host = false;
  for (const auto& [name, value] : question.headers) {
    if (name.empty() || has_control(name) || has_control(value))
      return bad("headers are names and values without control characters");
    has_host |= name.size() == 4 &&
                std::ranges::equal(name, std::string_view("host"), [](char a, char b) { return (a | 0x20) == b; });
    out += fmt::format("{}: {}\r\n", name, value);
  }
  if (!has_host) out += fmt::format("Host: {}\r\n", question.url.substr(scheme + 3, end - scheme - 3));
  return out + "\r\n";
}

// One question on its way; each step says whether the next one comes.
class Walk {
 public:
  Walk(const Site& site, const policy::BlockTable* blocks, const ExplainQuestion& question, Explanation& out)
      : site_(site), blocks_(blocks), question_(question), out_(out) {}

  Status go() {
    RPX_TRY(const std::string text, head_text(question_));
    const auto parsed = http::parse_request_head(text, site_.limits(), arena_, head_);
    if (!parsed || *parsed == 0) {
      const Error error =
          parsed ? Error{ErrorKind::kBadRequest, Side::kClient, "the head is not whole"} : parsed.error();
      ends("request", error.detail, facts_of(error.kind).status);
      return {};
    }
    on("request", fmt::format("path {}, host {}", head_.target.path, head_.target.host));
    if (!blocklist() || !find_route() || !maintenance() || !access() || !limits() || !own_answer() || !stored())
      return {};
    choose();
    return {};
  }

 private:
  bool on(std::string step, std::string why) {
    out_.steps.push_back({std::move(step), "goes on", std::move(why)});
    return true;
  }
  bool ends(std::string step, std::string why, int status) {
    out_.steps.push_back({std::move(step), "ends", std::move(why)});
    out_.status = status;
    return false;
  }

  bool blocklist() {
    if (!blocks_) return on("blocklist", "there is none");
    const auto entry = blocks_->find(question_.client);
    if (blocks_->blocks(question_.client))
      return ends(
          "blocklist",
          fmt::format("{} blocks {}{}{}", entry ? entry->prefix.to_string() : "an entry", question_.client.to_string(),
                      entry && !entry->reason.empty() ? ": " : "", entry ? entry->reason : ""),
          blocks_->status());
    if (const auto allowed = blocks_->allowed_by(question_.client); allowed && entry)
      return on("blocklist",
                fmt::format("{} would block, but {} is allowed", entry->prefix.to_string(), allowed->to_string()));
    return on("blocklist", question_.client.to_string() + " is not on it");
  }

  bool find_route() {
    const int index = site_.router().match(head_);
    const http::Target& target = head_.target;
    if (target.lax_path != target.path && site_.router().match(head_, target.lax_path) != index)
      return ends("route", fmt::format("servers may read the path as {}, which is another route", target.lax_path),
                  facts_of(ErrorKind::kBadRequest).status);
    if (index < 0) {
      const auto methods = site_.router().allowed_methods(head_);
      if (methods.empty()) return ends("route", "none matches", facts_of(ErrorKind::kNoRoute).status);
      return ends("route", fmt::format("none takes {}; {} would be", question_.method, fmt::join(methods, ", ")),
                  kNoSuchMethod);
    }
    route_ = &site_.routes()[static_cast<std::size_t>(index)];
    const RouteOptions& options = *route_->options;
    out_.route = options.name;
    return on("route", fmt::format("{} is the most specific that matches{}", options.name,
                                   options.path.empty() ? "" : ", by path " + options.path));
  }

  bool maintenance() {
    if (!route_->in_maintenance()) return true;
    if (contains(route_->maintenance.allow, question_.client))
      return on("maintenance", question_.client.to_string() + " may work on the route");
    return ends("maintenance", "the route is being worked on", route_->maintenance.status);
  }

  // Without a certificate: nobody can show one here.
  bool access() {
    if (!route_->access) return true;
    if (!route_->access->allows({.request = head_, .client = question_.client, .has_address = true}))
      return ends("access", "a rule denies it, or none allows it", kForbiddenStatus);
    if (!route_->access->allows_method(head_))
      return ends("access", fmt::format("only {} are allowed", route_->access->methods()), kNoSuchMethod);
    return on("access", "the rules allow it");
  }

  bool limits() {
    for (const auto& limit : route_->limits)
      on("limits", fmt::format("would be counted by {} ({}), key {}", limit->options().name, limit->policy_field(),
                               limit->options().key));
    if (route_->authentication) on("authentication", "the client is asked who it is; what it would say is not known");
    return true;
  }

  bool own_answer() {
    if (route_->fault && route_->fault->active())
      on("fault", fmt::format("{} may delay, refuse or cut it", route_->fault->configured().name));
    if (route_->redirect)
      return ends("redirect", "to " + route_->options->redirect->to, route_->options->redirect->status);
    if (route_->respond) return ends("respond", "the route answers by itself", route_->options->respond->status);
    if (route_->body_bytes != 0 && head_.framing == http::Framing::kLength && head_.content_length > route_->body_bytes)
      return ends("body", fmt::format("more than {} bytes are announced", route_->body_bytes),
                  facts_of(ErrorKind::kBodyTooLarge).status);
    return true;
  }

  bool stored() {
    if (!route_->cache) return true;
    const cache::Rule& rule = *route_->cache;
    if ((head_.method_name != "GET" || !rule.takes_get) && (head_.method_name != "HEAD" || !rule.takes_head))
      return on("cache", fmt::format("{} is not for the cache {}", head_.method_name, rule.options.name));
    if (cache::is_bypassed(rule.options.bypass, head_))
      return on("cache", fmt::format("a bypass rule of {} is about it", rule.options.name));
    std::string key;
    rule.key.render({.scheme = question_.url.starts_with("https") ? "https" : "http",
                     .host = head_.target.authority,
                     .path = head_.target.path,
                     .query = head_.target.query,
                     .headers = &head_.headers},
                    key);
    const WallTime now = std::chrono::system_clock::now();
    const auto found = rule.store->find(key, head_.headers);
    if (!found.entry) {
      const auto disk = rule.store->disk();
      if (disk && !disk->find(key, head_.headers).empty())
        return on("cache",
                  fmt::format("{} has it on the disk, under {}, and reads it from there", rule.options.name, key));
      const auto passes = rule.store->passes(key, now);
      return on("cache", fmt::format("{} has nothing under {}{}{}", rule.options.name, key,
                                     found.other_variants ? " that this request chooses" : "",
                                     passes ? fmt::format("; of late replies were not stored: {}", passes->says) : ""));
    }
    const auto decision = cache::decide(found.entry->terms(), found.entry->age(now), {}, found.entry->outdated());
    if (decision.use == cache::Use::kFresh || decision.use == cache::Use::kStale ||
        decision.use == cache::Use::kRefresh)
      return ends("cache", fmt::format("answered from {}, key {}: {}", rule.options.name, key, decision.why.says), 0);
    return on("cache", fmt::format("{} has it, to be validated: {}", rule.options.name, decision.why.says));
  }

  void choose() {
    const int index = upstream_of(*route_, question_.client);
    if (index < 0) return;
    const Upstream& upstream = site_.upstreams()[static_cast<std::size_t>(index)];
    out_.upstream = upstream.options->name;
    if (const auto& mirror = route_->options->mirror; mirror && mirror->percent != 0)
      on("mirror", fmt::format("{} % of such requests are copied to {}", mirror->percent, mirror->upstream));
    std::vector<std::string> usable;
    std::vector<std::string> others;
    for (const auto& server : upstream.servers) (server->state().usable() ? usable : others).push_back(server->url());
    const std::string out = others.empty() ? "" : fmt::format("; not by {}", fmt::join(others, ", "));
    if (usable.empty()) {
      ends("server", fmt::format("no server of {} is usable{}", out_.upstream, out),
           facts_of(ErrorKind::kNoServer).status);
      return;
    }
    ends("server",
         fmt::format("{}: answered by {}{}, chosen by {}{}", out_.upstream, usable.size() == 1 ? "" : "one of ",
                     fmt::join(usable, ", "), upstream.options->balance, out),
         0);
  }

  const Site& site_;
  const policy::BlockTable* blocks_;
  const ExplainQuestion& question_;
  Explanation& out_;
  Arena arena_;
  http::RequestHead head_;
  const Route* route_ = nullptr;
};

}  // namespace

Result<Explanation> explain(const Site& site, const policy::BlockTable* blocks, const ExplainQuestion& question) {
  Explanation out;
  RPX_TRY_VOID(Walk(site, blocks, question, out).go());
  return out;
}

}  // namespace rpx::proxy
