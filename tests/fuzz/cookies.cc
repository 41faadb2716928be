// Cookies: the first line of the input is a Cookie field, the second a Set-Cookie field. What is taken out of the one
// takes nothing else along; the other keeps its cookie and loses only what tells on the origin, and who keeps it sends
// it back as it was set.
#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "fuzz.h"
#include "load/cookies.h"
#include "policy/hide_origin.h"
#include "policy/values.h"
#include "proxy/sticky.h"

using namespace rpx;

namespace {

constexpr std::string_view kPrefix = "/v1";

std::string_view name_of(std::string_view pair) { return trim(pair.substr(0, pair.find('='))); }

std::string_view argument_of(std::string_view pair) {
  const std::size_t equals = pair.find('=');
  return equals == std::string_view::npos ? std::string_view() : trim(pair.substr(equals + 1));
}

std::string_view sent(std::string_view cookie_field, std::string_view name) {
  http::Headers headers;
  headers.add("Cookie", cookie_field);
  return policy::cookie_value(headers, name);
}

void check_cookie(std::string_view field) {
  std::vector<std::string_view> pairs;
  for (const std::string_view part : split(field, ';'))
    if (const std::string_view pair = trim(part); pair.find('=') != std::string_view::npos && pairs.size() < 8)
      pairs.push_back(pair);
  // With no trim: a name is what stands before the sign.
  const auto exact = [](std::string_view pair) { return pair.substr(0, pair.find('=')); };
  Arena arena;
  for (const std::string_view gone : pairs) {
    const std::string_view rest = proxy::without_cookie(field, exact(gone), arena);
    RPX_CHECK(!fuzz::breaks_lines(rest) && rest.size() <= 2 * field.size());
    RPX_CHECK(sent(rest, exact(gone)).empty());
    for (const std::string_view other : pairs)
      if (exact(other) != exact(gone)) RPX_CHECK(sent(rest, exact(other)) == sent(field, exact(other)));
    RPX_CHECK(proxy::without_cookie(rest, exact(gone), arena) == rest);
  }
}

std::string_view shown(std::string_view set_cookie, const policy::OriginNames& origin, Arena& arena) {
  http::Headers headers;
  headers.add("Set-Cookie", set_cookie);
  policy::hide_origin(headers, origin, {.client = {}, .scheme = "https", .host = "shop.example"}, arena);
  return headers.value("Set-Cookie");
}

void check_hidden(std::string_view field) {
  static const std::vector<std::string> kServers{"http://10.0.0.11:8080", "https://app.internal"};
  static const policy::OriginNames kOrigin(kServers, kPrefix);
  Arena arena;
  const std::string_view seen = shown(field, kOrigin, arena);
  RPX_CHECK(!fuzz::breaks_lines(seen));
  const auto before = split(field, ';');
  const auto after = split(seen, ';');
  RPX_CHECK(after.front() == before.front());
  // Attribute by attribute: the same ones in the same order, less the domains of servers.
  std::size_t at = 1;
  for (std::size_t i = 1; i < before.size(); ++i) {
    if (iequals(name_of(before[i]), "Domain") && kOrigin.owns_domain(argument_of(before[i]))) continue;
    RPX_CHECK(at < after.size());
    const bool below = iequals(name_of(before[i]), "Path") && argument_of(before[i]).starts_with('/') &&
                       argument_of(before[i]).size() > 1;
    if (below)
      RPX_CHECK(argument_of(after[at]).starts_with(kPrefix) &&
                argument_of(after[at]).ends_with(argument_of(before[i])));
    else
      RPX_CHECK(after[at] == before[i]);
    ++at;
  }
  RPX_CHECK(at == after.size());
  RPX_CHECK(shown(seen, kOrigin, arena) == seen);
}

void check_kept(std::string_view field) {
  load::Cookies cookies;
  cookies.take("other=1; Path=/");
  cookies.take(field);
  const std::string first(cookies.field());
  cookies.take(field);
  RPX_CHECK(cookies.field() == first && !fuzz::breaks_lines(first));
  const std::string_view pair = field.substr(0, field.find(';'));
  if (name_of(pair) != "other") RPX_CHECK(sent(first, "other") == "1");
  if (const std::string_view value = sent(first, name_of(pair)); !value.empty() && name_of(pair) != "other")
    RPX_CHECK(value == argument_of(pair));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  const std::size_t end = std::min(input.find('\n'), input.size());
  const std::string_view cookie = input.substr(0, end);
  const std::string_view set_cookie = input.substr(std::min(end + 1, input.size()));
  // No parser of ours lets a value with these through.
  if (fuzz::breaks_lines(cookie) || fuzz::breaks_lines(set_cookie)) return 0;
  check_cookie(cookie);
  check_hidden(set_cookie);
  check_kept(set_cookie);
  return 0;
}
