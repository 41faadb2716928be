#include "control/leak_handler.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/ip.h"
#include "base/result.h"
#include "base/text.h"
#include "control/body.h"
#include "control/inside_fetch.h"
#include "policy/hide_origin.h"
#include "proxy/site.h"

namespace rpx::control {
namespace {

// What of a body is looked at.
constexpr std::size_t kBody = 256UL * 1024;
constexpr std::size_t kShown = 120;

struct Leak {
  std::string where;  ///< "header Server", "body", "certificate of a.example"
  std::string what;
  std::string why;
};

// The names by which a server of any upstream could be known.
struct Names {
  std::set<std::string> hosts;   ///< lower case, but those that say nothing, such as localhost
  std::set<std::string> places;  ///< "host:port"
};

void add_name(Names& names, const std::string& host, std::uint16_t port) {
  if (host.empty()) return;
  names.places.insert(fmt::format("{}:{}", host, port));
  const std::string bare = host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
  const auto ip = IpAddress::parse(bare);
  // Everybody has these; with a port they still tell.
  if (bare == "localhost" || (ip && ip->is_loopback())) return;
  names.hosts.insert(bare);
}

Names names_of(const proxy::Site& site) {
  Names out;
  for (const proxy::Upstream& upstream : site.upstreams())
    for (const auto& server : upstream.servers) {
      const std::string url = server->url();
      const policy::OriginNames names(std::span(&url, 1), "");
      for (const auto& name : names.names()) add_name(out, name.host, name.port);
      for (const Address& address : server->addresses()) {
        if (address.is_unix()) continue;
        const std::string text = address.ip.to_string();
        add_name(out, address.ip.is_v4() ? text : "[" + text + "]", address.port);
      }
    }
  return out;
}

bool is_word(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '.';
}

// Where `word` stands in `text` (lower case both) as a whole word, not as a part of another name.
std::size_t find_word(const std::string& text, const std::string& word) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool begins = at == 0 || !is_word(text[at - 1]);
    const bool ends = end >= text.size() || !is_word(text[end]) ||
                      (text[end] == '.' && (end + 1 >= text.size() || !is_word(text[end + 1])));
    if (begins && ends) return at;
  }
  return std::string::npos;
}

std::string around(const std::string& text, std::size_t at, std::size_t size) {
  const std::size_t begin = at > 30 ? at - 30 : 0;
  std::string out = text.substr(begin, std::min(kShown, at - begin + size + 30));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return out;
}

void find_names(const std::string& where, const std::string& text, const Names& names, std::vector<Leak>& out) {
  const std::string low = lower(text);
  for (const auto& set : {names.places, names.hosts})
    for (const std::string& name : set) {
      const std::size_t at = find_word(low, name);
      if (at == std::string::npos) continue;
      out.push_back({where, around(text, at, name.size()), fmt::format("it names a server, {}", name)});
      return;
    }
}

bool is_private(std::string_view text) {
  static const std::array kPrivate{*IpPrefix::parse("10.0.0.0/8"), *IpPrefix::parse("172.16.0.0/12"),
                                   *IpPrefix::parse("192.168.0.0/16"), *IpPrefix::parse("fc00::/7")};
  const auto ip = IpAddress::parse(text);
  return ip && std::ranges::any_of(kPrivate, [&](const IpPrefix& one) { return one.contains(*ip); });
}

// The first word of such characters that is_private; empty when there is none.
std::string_view find_private_word(std::string_view text, std::string_view characters) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_not_of(characters, at), text.size());
    std::string_view word = text.substr(at, end - at);
    // The end of a name before it, as in "cached:fd00::1", is none of the address.
    if (at > 0 && is_word(text[at - 1]) && word.find(':') != std::string_view::npos)
      word.remove_prefix(word.find(':') + 1);
    while (word.ends_with('.') || (word.ends_with(':') && !word.ends_with("::"))) word.remove_suffix(1);
    if (is_private(word)) return word;
    at = std::max(end, at + 1);
  }
  return {};
}

// An address of a network of one's own (RFC 1918, RFC 4193) that stands in a text.
void find_private(const std::string& where, const std::string& text, std::vector<Leak>& out) {
  const std::string low = lower(text);
  std::string_view found = find_private_word(low, "0123456789.");
  if (found.empty()) found = find_private_word(low, "0123456789abcdef:.");
  if (found.empty()) return;
  const auto at = static_cast<std::size_t>(found.data() - low.data());
  out.push_back({where, around(text, at, found.size()), "it has an address of a private network"});
}

// What error pages of servers and frameworks say of themselves.
struct Trace {
  std::string_view text;
  std::string_view why;
};
constexpr Trace kTraces[] = {{"traceback (most recent call last)", "a stack trace of Python"},
                             {"exception in thread", "a stack trace of Java"},
                             {"\tat java.", "a stack trace of Java"},
                             {"at system.web.", "a stack trace of .NET"},
                             {"fatal error: uncaught", "an error of PHP"},
                             {"stack trace:", "a stack trace"},
                             {"goroutine 1 [", "a stack trace of Go"},
                             {"<center>nginx", "an error page of nginx"},
                             {"<address>apache", "an error page of Apache"},
                             {"apache tomcat/", "an error page of Tomcat"},
                             {"<title>iis ", "an error page of IIS"},
                             {"werkzeug debugger", "a debugger"},
                             {"you're seeing this error because you have <code>debug = true", "a debugger"}};

// Cookies that load balancers and application servers mark their machine in.
constexpr std::string_view kCookies[] = {"bigipserver", "awsalb",     "awselb", "serverid",
                                         "srvname",     "x-mapping-", "route="};

void look_at_field(const std::string& name, const std::string& value, const Names& names, std::vector<Leak>& out) {
  const std::string where = "header " + name;
  const std::string low = lower(name);
  if (low == "set-cookie") {
    const std::string cookie = lower(value);
    for (const std::string_view one : kCookies)
      if (cookie.starts_with(one)) out.push_back({where, value.substr(0, kShown), "a cookie that marks a machine"});
    const std::string first = value.substr(0, value.find(';'));
    if (cookie.starts_with("jsessionid=") && first.rfind('.') != std::string::npos)
      out.push_back({where, first.substr(0, kShown), "a session whose id ends in the name of a machine"});
  }
  const std::size_t before = out.size();
  find_names(where, value, names, out);
  if (out.size() == before) find_private(where, value, out);
  if (out.size() != before) return;
  if (low == "etag" && policy::tells_inode(value))
    out.push_back({where, value, "an entity tag made of a file's inode, size and time"});
  else if (policy::is_telltale_field(name))
    out.push_back(
        {where, value.substr(0, kShown), "it tells what the server is made of, which it is, or how long it took"});
}

std::vector<Leak> leaks_of(const Fetched& reply, const proxy::Site& site, const proxy::Certificates* certificates) {
  std::vector<Leak> out;
  const Names names = names_of(site);
  const std::string& own = site.options().serve.server_name;
  for (const auto& [name, value] : reply.fields) {
    // What the configuration says itself is no leak.
    if (iequals(name, "Server") && !own.empty() && value == own) continue;
    if (iequals(name, "Via") && site.options().serve.via && value == "1.1 rpx") continue;
    look_at_field(name, value, names, out);
  }
  find_names("body", reply.body, names, out);
  if (reply.status >= 400) {
    const std::string low = lower(reply.body);
    for (const Trace& trace : kTraces)
      if (const std::size_t at = low.find(trace.text); at != std::string::npos) {
        out.push_back({"body", around(reply.body, at, trace.text.size()), std::string(trace.why)});
        break;
      }
  }
  for (const proxy::CertificateView& one : proxy::view_certificates(certificates))
    for (const std::string& name : one.names)
      if (names.hosts.contains(lower(name)))
        out.push_back({"certificate " + one.cert, name, "a certificate that clients get names a server"});
  return out;
}

}  // namespace

Reply answer_leaks(Host& host, const Request& request) {
  std::string url;
  const Status read =
      read_members(request.body, [&url](const std::string& name, const Poco::Dynamic::Var& value) -> Status {
        if (name != "url")
          return std::unexpected(bad_body(fmt::format("unknown member \"{}\"; this call takes url", name)));
        if (!value.isString()) return std::unexpected(bad_body("url is a text"));
        url = value.extract<std::string>();
        return {};
      });
  if (!read) return problem_reply(400, read.error().detail);
  auto fetch = fetch_of(url);
  if (!fetch) return problem_reply(400, fetch.error().detail);
  fetch->agent = "rpx-serve explain";
  const Fetched got = fetch_inside(host, *fetch, kBody);
  if (got.status == 0) return problem_reply(502, got.why);
  Json json;
  json.open_object().member("url", url).member("status", got.status).key("leaks").open_array();
  for (const Leak& leak : leaks_of(got, *host.live_site(), host.certificates().get()))
    json.open_object().member("where", leak.where).member("what", leak.what).member("why", leak.why).close_object();
  json.close_array().close_object();
  return json_reply(json);
}

}  // namespace rpx::control
