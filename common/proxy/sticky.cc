#include "proxy/sticky.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "balance/random.h"
#include "base/result.h"
#include "base/text.h"
#include "policy/values.h"

namespace rpx::proxy {
namespace {

using http::FieldId;

// Of a word's 32 bytes so many are shown: nobody guesses them.
constexpr std::size_t kTokenBytes = 16;
constexpr std::size_t kLeastSecret = 16;

// Without a file the words last as long as the process.
const std::string& process_secret() {
  static const std::string kSecret = [] {
    std::array<unsigned char, 32> bytes{};
    RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }();
  return kSecret;
}

Result<std::string> secret_of(const upstream::StickyOptions& options, const std::string& upstream) {
  if (options.key_file.empty()) return process_secret();
  std::ifstream file(options.key_file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad())
    return self_error(ErrorKind::kConfig, fmt::format("upstream \"{}\": sticky.key_file: {}: {}", upstream,
                                                      options.key_file, std::strerror(errno)));
  std::string secret(trim(text));
  if (secret.size() < kLeastSecret)
    return self_error(
        ErrorKind::kConfig,
        fmt::format("upstream \"{}\": sticky.key_file: {} has fewer than {} bytes; make one with: openssl "
                    "rand -hex 32",
                    upstream, options.key_file, kLeastSecret));
  return secret;
}

std::string token_for(std::string_view secret, std::string_view upstream, std::string_view url) {
  const std::string text = fmt::format("{}\n{}", upstream, url);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  std::string out;
  for (std::size_t i = 0; i < kTokenBytes; ++i) out += fmt::format("{:02x}", digest.at(i));
  return out;
}

}  // namespace

namespace {

Sticky build_learned(const upstream::StickyOptions& options,
                     const std::vector<std::shared_ptr<upstream::Server>>& servers, const Sticky* before) {
  Sticky out;
  out.learn = options.learn;
  if (before && before->table && before->learn == options.learn) out.table = before->table;
  if (out.table)
    out.table->configure(options.entries, options.idle);
  else
    out.table = std::make_shared<upstream::SessionTable>(options.entries, options.idle);
  for (const auto& server : servers) out.ids.push_back(balance::hash_of(server->url()));
  return out;
}

// Keys are told apart by all of their bits, of which the upper ones choose a part of the table.
std::uint64_t hashed(std::string_view text) noexcept { return balance::mix(balance::hash_of(text)); }

std::uint64_t session_key(const Sticky& sticky, const Busy& busy) {
  if (sticky.learn.empty()) return hashed(busy.trail.client.client.to_string());
  const std::string_view value = policy::cookie_value(busy.exchange.request().headers, sticky.learn);
  return value.empty() ? 0 : hashed(value);
}

// The value that a Set-Cookie field gives to the cookie `name`; empty where it is about another, or takes it away.
std::string_view cookie_set(std::string_view field, std::string_view name) noexcept {
  const std::string_view pair = trim(field.substr(0, field.find(';')));
  if (pair.size() <= name.size() || !pair.starts_with(name) || pair[name.size()] != '=') return {};
  std::string_view value = pair.substr(name.size() + 1);
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
  return value;
}

// Remembers who has answered. With `learn` it is the server that says which session this is; one that shows a cookie we
// do not know keeps it where it is answered.
void remember(const Sticky& sticky, Busy& busy, std::uint64_t server, Instant now) {
  if (const std::uint64_t key = session_key(sticky, busy); key != 0) sticky.table->bind(key, server, now);
  if (sticky.learn.empty()) return;
  for (const http::Field& field : busy.out)
    if (field.id == FieldId::kSetCookie)
      if (const std::string_view value = cookie_set(field.value, sticky.learn); !value.empty())
        sticky.table->bind(hashed(value), server, now);
}

}  // namespace

Result<Sticky> build_sticky(const upstream::StickyOptions& options, const std::string& upstream,
                            const std::vector<std::shared_ptr<upstream::Server>>& servers, const Sticky* before) {
  if (options.cookie.empty()) return build_learned(options, servers, before);
  Sticky out{.cookie = options.cookie, .attributes = "; Path=/; HttpOnly", .secure = options.secure};
  if (const auto age = std::chrono::ceil<std::chrono::seconds>(options.ttl).count(); age > 0)
    out.attributes += fmt::format("; Max-Age={}", age);
  if (options.same_site != "off")
    out.attributes += options.same_site == "none"     ? "; SameSite=None"
                      : options.same_site == "strict" ? "; SameSite=Strict"
                                                      : "; SameSite=Lax";
  RPX_TRY(const std::string secret, secret_of(options, upstream));
  for (const auto& server : servers) out.tokens.push_back(token_for(secret, upstream, server->url()));
  return out;
}

upstream::Server* bound_server(const Ask& ask) {
  const Sticky& sticky = *ask.upstream.sticky;
  if (sticky.table) {
    const std::uint64_t key = session_key(sticky, ask.busy);
    const std::uint64_t id = key == 0 ? 0 : sticky.table->find(key, ask.connection.worker.loop().now());
    for (std::size_t i = 0; id != 0 && i < sticky.ids.size(); ++i)
      if (sticky.ids[i] == id) return ask.upstream.servers[i].get();
    return nullptr;
  }
  const std::string_view token = policy::cookie_value(ask.busy.exchange.request().headers, sticky.cookie);
  if (token.empty()) return nullptr;
  for (std::size_t i = 0; i < sticky.tokens.size(); ++i)
    if (sticky.tokens[i] == token) return ask.upstream.servers[i].get();
  return nullptr;
}

std::string_view without_cookie(std::string_view field, std::string_view name, Arena& arena) {
  std::string kept;
  bool found = false;
  for (const std::string_view part : split(field, ';')) {
    const std::string_view cookie = trim(part);
    if (cookie.size() > name.size() && cookie.starts_with(name) && cookie[name.size()] == '=') {
      found = true;
    } else if (!cookie.empty()) {
      if (!kept.empty()) kept += "; ";
      kept += cookie;
    }
  }
  return found ? arena.copy(kept) : field;
}

void bind_session(ClientConnection& connection, Busy& busy) {
  const Trail& trail = busy.trail;
  if (!trail.from || !trail.from->sticky || busy.fill || !trail.server) return;
  const Sticky& sticky = *trail.from->sticky;
  for (std::size_t i = 0; i < sticky.ids.size(); ++i)
    if (trail.from->servers[i] == trail.server)
      return remember(sticky, busy, sticky.ids[i], connection.worker.loop().now());
  for (std::size_t i = 0; i < sticky.tokens.size(); ++i) {
    if (trail.from->servers[i] != trail.server) continue;
    if (policy::cookie_value(busy.exchange.request().headers, sticky.cookie) == sticky.tokens[i]) return;
    // A cookie that is only for https would be lost on a client without it.
    const bool secure = sticky.secure && trail.client.scheme == "https";
    Arena& arena = busy.exchange.arena();
    busy.out.add(FieldId::kSetCookie, "Set-Cookie",
                 arena.copy(fmt::format("{}={}{}{}", sticky.cookie, sticky.tokens[i], sticky.attributes,
                                        secure ? "; Secure" : "")));
    // A cache between us and the client would hand one client's session to all.
    busy.out.add(FieldId::kCacheControl, "Cache-Control", "private");
    return;
  }
}

}  // namespace rpx::proxy
