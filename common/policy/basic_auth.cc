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

BasicAuth::BasicAuth(const BasicAuthOptions& options)
    : options_(options),
      challenge_(fmt::format(R"(Basic realm="{}", charset="UTF-8")", quoted_realm(options.realm))),
      file_(options.file) {}

Result<std::shared_ptr<BasicAuth>> BasicAuth::open(const BasicAuthOptions& options) {
  std::shared_ptr<BasicAuth> out(new BasicAuth(options));
  RPX_TRY_VOID(out->reread());
  return out;
}

Status BasicAuth::take(const std::string& text) {
  RPX_TRY(Passwords passwords, Passwords::parse(text));
  const std::scoped_lock lock(snapshot_mutex_);
  snapshot_ = std::make_shared<const Snapshot>(snapshot_ ? snapshot_->generation + 1 : 1, std::move(passwords));
  return {};
}

// A missing list of names must not be one that is empty today and open to whoever makes the file.
Result<bool> BasicAuth::reread() {
  return file_.reread([this](const std::string& text) { return take(text); });
}

void BasicAuth::look(Instant) {
  const Result<bool> read = reread();
  file_.tell(read, "the passwords were not read again, the old ones stay");
  if (read && *read)
    log_event(LogLevel::kInfo, "the passwords were read again",
              {{"file", options_.file}, {"names", std::to_string(snapshot()->passwords.size())}});
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
