#include "tls/server_context.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/events.h"
#include "base/log.h"
#include "base/result.h"
#include "base/text.h"
#include "tls/key_log.h"
#include "tls/stapling.h"
#include "tls/stream.h"

namespace rpx::tls {
namespace {

constexpr const char* kIntermediate =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kSuites13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
// A ticket may say at most seven days (RFC 8446 section 4.6.1).
constexpr std::chrono::seconds kMostTicketLife = std::chrono::hours(7 * 24);
// Where a listener offers nothing of its own.
constexpr std::string_view kAlpn = "\x08http/1.1";

// Seals (`seal`) or opens a ticket: OpenSSL gives the contexts, we the key of now or the one the ticket names.
int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int seal) {
  const auto* contexts = static_cast<const ServerContexts*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  // Where a challenge is answered.
  if (contexts == nullptr) return seal == 1 ? -1 : 0;
  const Instant now = std::chrono::steady_clock::now();
  std::optional<TicketKey> key;
  if (seal == 1) {
    key = contexts->tickets().current(now);
    if (!key || RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    std::memcpy(name, key->name.data(), key->name.size());
  } else {
    key = contexts->tickets().find(std::span<const unsigned char, 16>(name, 16), now);
    if (!key) return 0;
  }
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac.data(), key->mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  const bool set = EVP_MAC_CTX_set_params(mac, parameters) == 1 &&
                   EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher.data(), iv, seal) == 1;
  if (!set) return -1;
  // 2: good, but the client is to be given a new one.
  if (seal == 1) return 1;
  // Clients of TLS 1.3 use a ticket once (RFC 8446 appendix C.4): whoever resumes gets the next one with it.
  return SSL_version(ssl) < TLS1_3_VERSION && now - key->made < contexts->tickets().rotation() ? 1 : 2;
}

int on_alpn(SSL* ssl, const unsigned char** out, unsigned char* length, const unsigned char* in, unsigned int size,
            void*) {
  unsigned char* chosen = nullptr;
  const auto* stream = static_cast<const TlsStream*>(SSL_get_app_data(ssl));
  std::string_view ours = kAlpn;
  if (stream != nullptr && !stream->offered().empty()) ours = stream->offered();
  const int found = SSL_select_next_proto(&chosen, length, reinterpret_cast<const unsigned char*>(ours.data()),
                                          static_cast<unsigned>(ours.size()), in, size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// The name in a server_name extension (RFC 6066 section 3), in lower case; empty for none.
std::string server_name(SSL* ssl) {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &size) != 1 || size < 5) return {};
  // list length (2), type (1), name length (2), name
  const std::size_t length = (std::size_t{bytes[3]} << 8) | bytes[4];
  if (bytes[2] != TLSEXT_NAMETYPE_host_name || length > size - 5) return {};
  std::string name = lower({reinterpret_cast<const char*>(bytes + 5), length});
  if (name.ends_with('.')) name.pop_back();
  return name;
}

bool is_host(std::string_view name) noexcept {
  return !name.empty() && name.size() < 256 &&
         std::ranges::all_of(
             name,
             [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == ':';
             });
}

// Whether ALPN (RFC 7301) offers "acme-tls/1" alone.
bool offers_only_acme(SSL* ssl) {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &bytes, &size) != 1)
    return false;
  // list length (2), length of the name (1), name
  return size == kAcmeProtocol.size() + 3 && bytes[2] == kAcmeProtocol.size() &&
         std::memcmp(bytes + 3, kAcmeProtocol.data(), kAcmeProtocol.size()) == 0;
}

template <class Sets>
bool is_below_a_star(const Sets& by_name, std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot != std::string_view::npos && by_name.contains("*" + std::string(name.substr(dot)));
}

std::optional<IpAddress> local_address(SSL* ssl) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  const auto* stream = static_cast<const TlsStream*>(SSL_get_app_data(ssl));
  if (stream == nullptr || getsockname(stream->fd(), reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  const Address local = Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&address), length);
  return local.is_unix() ? std::nullopt : std::optional(local.ip);
}

Status set_ciphers(SSL_CTX* context, std::string_view text) {
  std::string old_names;
  std::string suites;
  for (const std::string_view name : split(text, ':')) {
    std::string& to = name.starts_with("TLS_") ? suites : old_names;
    if (!to.empty()) to += ':';
    to += name;
  }
  if (!old_names.empty() && SSL_CTX_set_cipher_list(context, old_names.c_str()) != 1)
    return config_error(fmt::format("tls.ciphers \"{}\"", text));
  if (!suites.empty() && SSL_CTX_set_ciphersuites(context, suites.c_str()) != 1)
    return config_error(fmt::format("tls.ciphers \"{}\"", text));
  return {};
}

int verify_mode(const TlsOptions& options) {
  if (options.client_verify == "required") return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  return options.client_verify == "optional" ? SSL_VERIFY_PEER : SSL_VERIFY_NONE;
}

void set_tickets(SSL_CTX* context, const TlsOptions& options) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (!options.session_tickets) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return;
  }
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
  const auto life =
      std::min(kMostTicketLife, std::chrono::duration_cast<std::chrono::seconds>(options.ticket_rotation));
  SSL_CTX_set_timeout(context, std::max<long>(1, life.count()));
}

// The files as they are or, where they cannot be used, what they held before.
Holding hold(const CertificateOptions& files, const ServerContexts* previous) {
  Holding out{.files = files, .cert = mark_of(files.cert), .key = mark_of(files.key), .certificate = {}, .stale = {}};
  auto loaded = std::make_shared<Certificate>(load_certificate(files, std::chrono::system_clock::now()));
  if (loaded->problem.empty()) {
    if (!loaded->warning.empty())
      log_event(LogLevel::kWarning, "certificate will hardly be accepted",
                {{"cert", files.cert}, {"reason", loaded->warning}});
    out.certificate = std::move(loaded);
    return out;
  }
  if (previous != nullptr)
    for (const Holding& before : previous->holdings())
      if (before.files == files && before.certificate->problem.empty()) out.certificate = before.certificate;
  if (out.certificate) {
    out.stale = loaded->problem;
    log_event(LogLevel::kError, "certificate cannot be used; what its files held before is served",
              {{"cert", files.cert}, {"reason", loaded->problem}});
  } else {
    log_event(LogLevel::kError, "certificate cannot be used; its names are not served",
              {{"cert", files.cert}, {"reason", loaded->problem}});
    out.certificate = std::move(loaded);
  }
  return out;
}

}  // namespace

Status apply_policy(SSL_CTX* context, const TlsOptions& options) {
  const bool only13 = options.ciphers == "modern" || options.min_version == "1.3";
  SSL_CTX_set_min_proto_version(context, only13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  if (SSL_CTX_set1_groups_list(context, kGroups) != 1 || SSL_CTX_set_ciphersuites(context, kSuites13) != 1)
    return config_error("TLS 1.3");
  const bool named = options.ciphers == "modern" || options.ciphers == "intermediate";
  return set_ciphers(context, named ? kIntermediate : std::string_view(options.ciphers));
}

struct ServerContexts::Loading {
  const TlsOptions& options;
  std::vector<std::shared_ptr<const Certificate>> certificates;
  std::vector<X509Ptr> client_ca;
  std::map<Set, SSL_CTX*> made;
};

Result<std::shared_ptr<const ServerContexts>> ServerContexts::build(const TlsOptions& options,
                                                                    std::span<const CertificateOptions> certificates,
                                                                    const ServerContexts* previous, Managed managed) {
  std::shared_ptr<ServerContexts> out(new ServerContexts);
  out->managed_ = std::move(managed);
  out->tickets_ = previous != nullptr && previous->tickets_->rotation() == options.ticket_rotation
                      ? previous->tickets_
                      : std::make_shared<TicketKeys>(options.ticket_rotation);
  Loading loading{options, {}, {}, {}};
  if (options.client_verify != "off") {
    RPX_TRY(loading.client_ca, read_bundle(options.client_ca));
  }
  for (const CertificateOptions& one : certificates) {
    Holding held = hold(one, previous);
    const Certificate& now = *held.certificate;
    const std::string& problem = held.stale.empty() ? now.problem : held.stale;
    publish(EventKind::kCertificate, {{"cert", one.cert},
                                      {"action", problem.empty() ? "loaded" : "refused"},
                                      {"why", problem.empty() ? now.warning : problem}});
    ++(held.certificate->problem.empty() && held.stale.empty() ? out->usable_ : out->unusable_);
    loading.certificates.push_back(held.certificate);
    out->holdings_.push_back(std::move(held));
  }
  RPX_TRY_VOID(out->add_all(loading));
  return out;
}

Status ServerContexts::add_all(Loading& loading) {
  std::map<std::string, Set> by_name;
  std::map<IpAddress, Set> by_address;
  const auto add = [&](Set& set, std::size_t index) {
    const auto type_of = [&](std::size_t i) { return EVP_PKEY_get_base_id(loading.certificates[i]->key.get()); };
    if (std::ranges::none_of(set, [&](std::size_t i) { return type_of(i) == type_of(index); })) set.push_back(index);
  };
  Set first;
  for (std::size_t i = 0; i < loading.certificates.size(); ++i) {
    const Certificate& certificate = *loading.certificates[i];
    const bool usable = certificate.problem.empty();
    for (const std::string& name : certificate.names)
      if (Set& set = by_name[name]; usable) add(set, i);
    for (const IpAddress& address : certificate.addresses)
      if (Set& set = by_address[address]; usable) add(set, i);
    if (usable && first.empty()) first.push_back(i);
  }
  // Of names that are on their way nobody is given another's certificate.
  for (const std::string& name : managed_.names)
    if (!IpAddress::parse(name) && !by_name.contains(name) && !is_below_a_star(by_name, name)) by_name[name];
  // Who asks for no name gets what the first certificate's first name gets.
  if (!first.empty() && !loading.certificates[first[0]]->names.empty())
    first = by_name[loading.certificates[first[0]]->names.front()];
  RPX_TRY(first_, context_for(loading, first));
  for (const auto& [name, set] : by_name) {
    SSL_CTX* context = nullptr;
    if (!set.empty()) {
      RPX_TRY(context, context_for(loading, set));
    }
    if (name.starts_with("*."))
      wild_.emplace(name.substr(1), context);
    else
      exact_.emplace(name, context);
  }
  for (const auto& [address, set] : by_address) {
    if (set.empty()) continue;
    RPX_TRY(addresses_[address], context_for(loading, set));
  }
  return {};
}

Result<SSL_CTX*> ServerContexts::context_for(Loading& loading, const Set& set) {
  if (const auto known = loading.made.find(set); known != loading.made.end()) return known->second;
  SslContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context) return config_error("TLS");
  set_common_options(context.get());
  RPX_TRY_VOID(apply_policy(context.get(), loading.options));
  set_tickets(context.get(), loading.options);
  SSL_CTX_set_app_data(context.get(), this);
  SSL_CTX_set_client_hello_cb(context.get(), on_client_hello, this);
  SSL_CTX_set_alpn_select_cb(context.get(), on_alpn, nullptr);
  if (loading.options.ocsp_stapling) serve_staples(context.get());
  if (!loading.options.key_log.empty()) RPX_TRY_VOID(log_keys(context.get(), loading.options.key_log));
  // A session is good where it was made: for the same certificates and the same demands on clients.
  std::string bound =
      fmt::format("{} {} {}", loading.options.min_version, loading.options.ciphers, loading.options.client_verify);
  for (const std::size_t index : set) {
    const Certificate& certificate = *loading.certificates[index];
    bound += certificate.fingerprint;
    if (SSL_CTX_use_certificate(context.get(), certificate.chain.front().get()) != 1 ||
        SSL_CTX_use_PrivateKey(context.get(), certificate.key.get()) != 1)
      return config_error("certificate");
    for (std::size_t i = 1; i < certificate.chain.size(); ++i)
      SSL_CTX_add1_chain_cert(context.get(), certificate.chain[i].get());
  }
  SSL_CTX_set_verify(context.get(), verify_mode(loading.options), nullptr);
  for (const X509Ptr& authority : loading.client_ca) {
    bound += fingerprint_of(authority.get());
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), authority.get());
    SSL_CTX_add_client_CA(context.get(), authority.get());
  }
  ERR_clear_error();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(bound.data(), bound.size(), digest.data(), &size, EVP_sha256(), nullptr);
  SSL_CTX_set_session_id_context(context.get(), digest.data(), std::min<unsigned int>(size, SSL_MAX_SID_CTX_LENGTH));
  contexts_.push_back(std::move(context));
  return loading.made[set] = contexts_.back().get();
}

SslPtr ServerContexts::make() const {
  SslPtr ssl(SSL_new(first_));
  if (ssl) SSL_set_accept_state(ssl.get());
  return ssl;
}

std::optional<SSL_CTX*> ServerContexts::find(std::string_view name) const {
  if (const auto at = exact_.find(name); at != exact_.end()) return at->second;
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos || dot == 0) return std::nullopt;
  if (const auto at = wild_.find(name.substr(dot)); at != wild_.end()) return at->second;
  return std::nullopt;
}

SSL_CTX* ServerContexts::choose(SSL* ssl, const std::string& name, bool& refused) const {
  if (const auto found = name.empty() ? std::nullopt : find(name)) {
    refused = *found == nullptr;
    return *found;
  }
  if (addresses_.empty()) return first_;
  const std::optional<IpAddress> address = name.empty() ? local_address(ssl) : IpAddress::parse(name);
  const auto at = address ? addresses_.find(*address) : addresses_.end();
  return at == addresses_.end() ? first_ : at->second;
}

// An authority that asks for proof of a name (RFC 8737 section 3) offers that one protocol and no other. Nothing of the
// site is shown to it, no client certificate is asked for, and no session is kept.
bool ServerContexts::answer_challenge(SSL* ssl, const std::string& name) const {
  if (!managed_.challenges || !offers_only_acme(ssl)) return false;
  const SslContextPtr context = managed_.challenges->find_tls(name, std::chrono::steady_clock::now());
  if (!context) return false;
  SSL_set_SSL_CTX(ssl, context.get());
  SSL_set_verify(ssl, SSL_VERIFY_NONE, nullptr);
  SSL_set_options(ssl, SSL_OP_NO_TICKET);
  SSL_set_num_tickets(ssl, 0);
  return true;
}

// The earliest of OpenSSL's callbacks: the context is right before a ticket is looked at, so that no session of
// one name is resumed under another.
int ServerContexts::on_client_hello(SSL* ssl, int* alert, void* self) {
  const auto* contexts = static_cast<const ServerContexts*>(self);
  const std::string name = server_name(ssl);
  if (contexts->answer_challenge(ssl, name)) return SSL_CLIENT_HELLO_SUCCESS;
  bool refused = false;
  SSL_CTX* context = contexts->choose(ssl, name, refused);
  if (refused) {
    if (auto* stream = static_cast<TlsStream*>(SSL_get_app_data(ssl)))
      stream->explain_failure(fmt::format("there is no certificate for {}", is_host(name) ? name : "that name"));
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
  }
  if (context != SSL_get_SSL_CTX(ssl)) SSL_set_SSL_CTX(ssl, context);
  return SSL_CLIENT_HELLO_SUCCESS;
}

}  // namespace rpx::tls
