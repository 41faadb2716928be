#include "policy/jwt.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <sstream>

#include "base/base64.h"
#include "base/text.h"

namespace rpx::policy {
namespace {

using Poco::JSON::Array;
using Poco::JSON::Object;
using Var = Poco::Dynamic::Var;

constexpr std::size_t kMostTokenBytes = 16UL * 1024;
// Seconds since 1970, in 2255: dates beyond are taken for this one, since a WallTime counts nanoseconds and ends in
// 2262.
constexpr double kFarAway = 9e9;

JwtVerdict invalid(std::string_view why) {
  return {.fault = JwtFault::kInvalid, .why = why, .identity = {}, .until = {}};
}
JwtVerdict insufficient(std::string_view why) {
  return {.fault = JwtFault::kInsufficient, .why = why, .identity = {}, .until = {}};
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::ranges::find(list, text) != list.end();
}

struct Parts {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
  std::string_view signed_text;
};

std::optional<Parts> parts_of(std::string_view token) noexcept {
  if (token.size() > kMostTokenBytes) return std::nullopt;
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  return Parts{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1),
               token.substr(0, second)};
}

Object::Ptr object_of(std::string_view coded) {
  const auto json = from_base64url(coded);
  if (!json) return nullptr;
  try {
    Poco::JSON::Parser parser;
    const Var whole = parser.parse(*json);
    return whole.type() == typeid(Object::Ptr) ? whole.extract<Object::Ptr>() : nullptr;
  } catch (const Poco::Exception&) {
    return nullptr;
  }
}

// A claim by its name, or by the way to it: "realm_access.roles".
Var claim_of(const Object& claims, std::string_view name) {
  const std::string whole(name);
  if (claims.has(whole)) return claims.get(whole);
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return {};
  const auto inner = claims.getObject(std::string(name.substr(0, dot)));
  return inner.isNull() ? Var() : claim_of(*inner, name.substr(dot + 1));
}

std::string text_of(const Var& value) {
  if (value.isEmpty()) return {};
  if (value.isString()) return value.extract<std::string>();
  if (value.type() == typeid(Array::Ptr)) {
    std::string out;
    for (const Var& one : *value.extract<Array::Ptr>()) {
      if (!out.empty()) out += ", ";
      out += text_of(one);
    }
    return out;
  }
  if (value.type() == typeid(Object::Ptr)) {
    std::ostringstream out;
    value.extract<Object::Ptr>()->stringify(out);
    return out.str();
  }
  return value.convert<std::string>();
}

// What holds a value as a whole, or as one of several.
std::vector<std::string> texts_of(const Var& value) {
  std::vector<std::string> out;
  if (value.type() == typeid(Array::Ptr))
    for (const Var& one : *value.extract<Array::Ptr>()) out.push_back(text_of(one));
  else if (!value.isEmpty())
    out.push_back(text_of(value));
  return out;
}

std::vector<std::string> words_of(const std::vector<std::string>& texts) {
  std::vector<std::string> out;
  for (const std::string& text : texts)
    for (const std::string_view word : split(text, ' '))
      if (!word.empty()) out.emplace_back(word);
  return out;
}

bool has_claim(const Object& claims, const std::string& name, const std::string& wanted) {
  const Var value = claim_of(claims, name);
  if (wanted == "*") return !value.isEmpty();
  const std::vector<std::string> have = texts_of(value);
  if (contains(have, wanted)) return true;
  // RFC 8693 section 4.2: scopes are words of one text; scp is what some call it.
  if (name != "scope" && name != "scp") return false;
  const std::vector<std::string> words = words_of(have);
  const std::vector<std::string> all = words_of({wanted});
  return !all.empty() && std::ranges::all_of(all, [&words](const std::string& one) { return contains(words, one); });
}

// Seconds since 1970; a date that is there and is none is an error.
struct Date {
  std::optional<double> at;
  bool good = true;
};
Date date_of(const Object& claims, const char* name) {
  if (!claims.has(name)) return {};
  const Var value = claims.get(name);
  if (!value.isNumeric() || value.isBoolean()) return {.at = {}, .good = false};
  const auto seconds = value.convert<double>();
  if (!std::isfinite(seconds)) return {.at = {}, .good = false};
  return {.at = std::clamp(seconds, -kFarAway, kFarAway), .good = true};
}

bool one_of(const std::vector<std::string>& wanted, const Var& value) {
  if (wanted.empty()) return true;
  return std::ranges::any_of(texts_of(value), [&wanted](const std::string& one) { return contains(wanted, one); });
}

bool fits_a_field(std::string_view text) noexcept {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// Who the claims are about; null when they could not be told in a field of a header.
IdentityPtr identity_of(const Object& claims, const JwtOptions& options) {
  auto out = std::make_shared<Identity>();
  if (!options.user.empty()) out->user = trim(text_of(claim_of(claims, options.user)));
  if (!fits_a_field(out->user)) return nullptr;
  for (const auto& [field, claim] : options.headers) {
    const Var value = claim_of(claims, claim);
    if (value.isEmpty()) continue;
    std::string text(trim(text_of(value)));
    if (!fits_a_field(text)) return nullptr;
    out->fields.emplace_back(field, std::move(text));
  }
  return out;
}

JwtVerdict judge_claims(const Object& claims, const JwtOptions& options, WallTime now) {
  const double at = std::chrono::duration<double>(now.time_since_epoch()).count();
  const double leeway = std::chrono::duration<double>(options.leeway).count();
  const Date ends = date_of(claims, "exp");
  const Date begins = date_of(claims, "nbf");
  if (!ends.good || !begins.good) return invalid("a date of the token is no number");
  if (!ends.at && options.expires) return invalid("the token does not say when it expires");
  if (ends.at && at - leeway >= *ends.at) return invalid("the token has expired");
  if (begins.at && at + leeway < *begins.at) return invalid("the token is not valid yet");
  if (!one_of(options.issuer, claim_of(claims, "iss"))) return invalid("the token is of another issuer");
  if (!one_of(options.audience, claim_of(claims, "aud"))) return invalid("the token is for another audience");
  for (const auto& [name, wanted] : options.claims)
    if (!has_claim(claims, name, wanted)) return insufficient("the token lacks a claim that is asked for");
  JwtVerdict out{
      .fault = JwtFault::kNone, .why = {}, .identity = identity_of(claims, options), .until = WallTime::max()};
  if (!out.identity) return invalid("a claim has control characters");
  if (ends.at) {
    const std::chrono::duration<double> until(std::min(*ends.at + leeway, kFarAway));
    out.until = WallTime(std::chrono::duration_cast<WallTime::duration>(until));
  }
  return out;
}

JwtVerdict judge(const Parts& parts, const JsonWebKeys& keys, const JwtOptions& options, WallTime now) {
  const Object::Ptr header = object_of(parts.header);
  const auto signature = from_base64url(parts.signature);
  if (header.isNull() || !signature) return invalid("the token is malformed");
  // RFC 7515 section 4.1.11: what must be understood and is not; nothing of it is.
  if (header->has("crit")) return invalid("the token asks for what is not supported");
  const std::string name = header->get("alg").isString() ? header->get("alg").extract<std::string>() : "";
  const JwtAlgorithm* algorithm = jwt_algorithm(name);
  if (algorithm == nullptr || (!options.algorithms.empty() && !contains(options.algorithms, name)))
    return invalid("the algorithm of the token is not allowed");
  std::string id;
  if (header->has("kid")) {
    if (!header->get("kid").isString()) return invalid("the token is malformed");
    id = header->get("kid").extract<std::string>();
  }
  if (!keys.knows(id))
    return {.fault = JwtFault::kUnknownKey, .why = "the key of the token is not known", .identity = {}, .until = {}};
  if (!keys.verify(*algorithm, id, parts.signed_text, *signature)) return invalid("the signature is wrong");
  const Object::Ptr claims = object_of(parts.payload);
  if (claims.isNull()) return invalid("the token is malformed");
  return judge_claims(*claims, options, now);
}

}  // namespace

JwtVerdict judge_token(std::string_view token, const JsonWebKeys& keys, const JwtOptions& options, WallTime now) {
  const auto parts = parts_of(token);
  if (!parts) return invalid("the token is malformed");
  try {
    return judge(*parts, keys, options, now);
  } catch (const Poco::Exception&) {
    return invalid("the token is malformed");
  }
}

std::string_view bearer_token(std::string_view authorization) noexcept {
  constexpr std::string_view kScheme = "Bearer ";
  if (authorization.size() <= kScheme.size() || !iequals(authorization.substr(0, kScheme.size()), kScheme)) return {};
  const std::string_view token = trim(authorization.substr(kScheme.size()));
  return token.find_first_of(" \t,") == std::string_view::npos ? token : std::string_view();
}

}  // namespace rpx::policy
