#include "policy/basic_auth.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "base/base64.h"
#include "base/log.h"
#include "base/result.h"
#include "base/text.h"

namespace rpx::policy {

std::optional<Credentials> basic_credentials(std::string_view authorization) {
  constexpr std::string_view kScheme = "Basic ";
  if (authorization.size() < kScheme.size() || !iequals(authorization.substr(0, kScheme.size()), kScheme))
    return std::nullopt;
  auto text = from_base64(trim(authorization.substr(kScheme.size())));
  if (!text) return std::nullopt;
  const std::size_t colon = text->find(':');
  if (colon == std::string::npos) return std::nullopt;
  Credentials out{text->substr(0, colon), text->substr(colon + 1)};
  OPENSSL_cleanse(text->data(), text->size());
  // The name is shown in logs and headers: RFC 7617 section 2 has no control characters in it.
  for (const char c : out.user)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
  return out;
}

BasicAuth::BasicAuth(const BasicAuthOptions& options) : options_(options) {
  std::string quoted;
  for (const char c : options.realm) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  challenge_ = fmt::format(R"(Basic realm="{}", charset="UTF-8")", quoted);
}

Result<std::shared_ptr<BasicAuth>> BasicAuth::open(const BasicAuthOptions& options) {
  std::shared_ptr<BasicAuth> out(new BasicAuth(options));
  RPX_TRY_VOID(out->reread());
  return out;
}

Status BasicAuth::reread() {
  const std::scoped_lock lock(file_mutex_);
  const std::shared_ptr<const Snapshot> before = snapshot();
  if (!stamp_.changed(options_.file) && before && !is_broken_) return {};
  is_broken_ = true;
  // A missing list of names must not be one that is empty today and open to whoever makes the file.
  auto text = read_watched_file(options_.file);
  if (!text) return self_error(ErrorKind::kConfig, text.error().detail);
  auto passwords = Passwords::parse(*text);
  if (!passwords) return self_error(ErrorKind::kConfig, fmt::format("{}: {}", options_.file, passwords.error().detail));
  auto made = std::make_shared<const Snapshot>(before ? before->generation + 1 : 1, std::move(*passwords));
  const std::scoped_lock swap(snapshot_mutex_);
  snapshot_ = std::move(made);
  is_broken_ = false;
  return {};
}

void BasicAuth::look(Instant) {
  const std::uint64_t before = snapshot()->generation;
  const Status read = reread();
  std::string why = read ? "" : read.error().detail;
  if (!why.empty() && why != told_)
    log_event(LogLevel::kError, "the passwords were not read again, the old ones stay", {{"why", why}});
  told_ = std::move(why);
  if (const auto taken = snapshot(); taken->generation != before)
    log_event(LogLevel::kInfo, "the passwords were read again",
              {{"file", options_.file}, {"names", std::to_string(taken->passwords.size())}});
}

CredentialMemory::Mark BasicAuth::mark_of(const Snapshot& snapshot, const Credentials& credentials) const {
  // A name holds no colon, so that the two cannot be read another way.
  std::string text = credentials.user + ":" + credentials.password;
  const CredentialMemory::Mark mark = memory_.mark_of(snapshot.generation, text);
  OPENSSL_cleanse(text.data(), text.size());
  return mark;
}

bool BasicAuth::remembers(const Credentials& credentials, Instant now) const {
  return options_.remember > Duration::zero() && memory_.holds(mark_of(*snapshot(), credentials), now);
}

bool BasicAuth::verify(const Credentials& credentials, Instant now) {
  const std::shared_ptr<const Snapshot> held = snapshot();
  const CredentialMemory::Mark mark = mark_of(*held, credentials);
  // Several requests with the same password come at once: all but the first find it here.
  if (options_.remember > Duration::zero() && memory_.holds(mark, now)) return true;
  if (!held->passwords.verify(credentials.user, credentials.password)) return false;
  if (options_.remember > Duration::zero()) memory_.add(mark, now + options_.remember);
  return true;
}

}  // namespace rpx::policy
