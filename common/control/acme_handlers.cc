#include "control/acme_handlers.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "base/text.h"
#include "control/body.h"
#include "pki/challenge.h"

namespace rpx::control {
namespace {

void text_or_null(Json& json, std::string_view name, const std::string& text) {
  json.key(name);
  text.empty() ? json.null() : json.value(std::string_view(text));
}

void write_time(Json& json, std::string_view name, WallTime time) {
  text_or_null(json, name, time == WallTime{} ? std::string() : format_rfc3339(time));
}

void write_acme_name(Json& json, const proxy::AcmeNameView& one) {
  json.open_object().member("name", one.name).member("state", one.state);
  text_or_null(json, "fingerprint", one.fingerprint);
  write_time(json, "not_after", one.until);
  write_time(json, "renew", one.renew);
  write_time(json, "last_attempt", one.tried);
  write_time(json, "next", one.next);
  json.member("failures", one.failures);
  text_or_null(json, "error", one.error);
  json.close_object();
}

// RFC 8555 section 8.1: base64url.
bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= 256 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

Result<pki::Challenge> parse_challenge(const Request& request) {
  pki::Challenge out{.type = "http-01", .name = {}, .token = request.parameter, .key_authorization = {}};
  RPX_TRY_VOID(read_members(request.body, [&out](const std::string& name, const Poco::Dynamic::Var& value) -> Status {
    std::string* to = name == "type"                ? &out.type
                      : name == "name"              ? &out.name
                      : name == "key_authorization" ? &out.key_authorization
                                                    : nullptr;
    if (to == nullptr || !value.isString())
      return std::unexpected(
          bad_body(fmt::format("\"{}\": the body says type, name and key_authorization, all of them texts", name)));
    *to = value.extract<std::string>();
    return {};
  }));
  if (out.type != "http-01" && out.type != "tls-alpn-01")
    return std::unexpected(bad_body("type is http-01 or tls-alpn-01"));
  if (!out.key_authorization.starts_with(out.token + ".") ||
      !is_token(out.key_authorization.substr(out.token.size() + 1)))
    return std::unexpected(bad_body("key_authorization is the token, a dot, and the thumbprint of the account's key"));
  if (out.type == "tls-alpn-01" && out.name.empty()) return std::unexpected(bad_body("tls-alpn-01 is for a name"));
  return out;
}

}  // namespace

Reply answer_acme(Host& host, const Request&) {
  const proxy::AcmeView view = host.acme();
  Json json;
  json.open_object();
  text_or_null(json, "directory", view.directory);
  text_or_null(json, "challenge", view.challenge);
  text_or_null(json, "store", view.store);
  json.member("obtained", view.obtained).member("failed", view.failed).key("names").open_array();
  for (const proxy::AcmeNameView& one : view.names) write_acme_name(json, one);
  json.close_array().key("challenges").open_array();
  for (const tls::ChallengeAnswer& one : view.challenges)
    json.open_object().member("token", one.token).member("type", one.type).member("name", one.name).close_object();
  json.close_array().close_object();
  return json_reply(json);
}

Reply answer_acme_renew(Host& host, const Request& request) {
  std::string wanted;
  const Status read =
      read_members(request.body, [&](const std::string& name, const Poco::Dynamic::Var& value) -> Status {
        if (name != "name" || !value.isString())
          return std::unexpected(bad_body(fmt::format("\"{}\": the body says name, a text, or nothing", name)));
        wanted = lower(value.extract<std::string>());
        return {};
      });
  if (!read) return problem_reply(400, read.error().detail);
  const auto names = host.renew_by_acme(wanted);
  if (!names) return problem_reply(404, names.error().detail);
  log_change("renewal of certificates", request, LogLevel::kNotice, fmt::format("{}", fmt::join(*names, " ")));
  Json json;
  json.open_object().member("names", *names).close_object();
  return json_reply(json, 202);
}

Reply answer_put_challenge(Host& host, const Request& request) {
  if (!is_token(request.parameter)) return problem_reply(400, "a token is base64url");
  const auto challenge = parse_challenge(request);
  if (!challenge) return problem_reply(400, challenge.error().detail);
  tls::SslContextPtr context;
  if (challenge->type == "tls-alpn-01") {
    auto made = pki::proof_context(*challenge);
    if (!made) return problem_reply(400, made.error().detail);
    context = *std::move(made);
  }
  const bool added =
      host.challenges()->add({challenge->type, lower(challenge->name), challenge->token, challenge->key_authorization},
                             std::move(context), std::chrono::steady_clock::now());
  if (!added) return problem_reply(409, "too many challenges are open");
  log_change("challenge " + challenge->name, request, LogLevel::kNotice, "answered from now on");
  Json json;
  json.open_object().member("token", challenge->token).close_object();
  return json_reply(json);
}

Reply answer_delete_challenge(Host& host, const Request& request) {
  if (!host.challenges()->remove(request.parameter)) return problem_reply(404, "there is no such challenge");
  log_change("challenge", request, LogLevel::kNotice, "not answered any more");
  Json json;
  json.open_object().member("token", request.parameter).close_object();
  return json_reply(json);
}

}  // namespace rpx::control
