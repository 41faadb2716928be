#include "tls/certificate.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "base/result.h"
#include "base/text.h"
#include "net/fd.h"
#include "tls/key_memory.h"

namespace rpx::tls {
namespace {

constexpr std::size_t kMostBytes = 16 * 1024 * 1024;

// Straight into the text, without a buffer on the way that a key would be left in; one that it has outgrown is wiped.
Result<std::string> read_file(const std::string& path) {
  const net::UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return self_error(ErrorKind::kConfig, errno_text(path, errno));
  struct stat facts{};
  const bool known = fstat(file.get(), &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size > 0 &&
                     static_cast<std::size_t>(facts.st_size) <= kMostBytes;
  std::string text(known ? static_cast<std::size_t>(facts.st_size) + 1 : 4096, '\0');
  for (std::size_t have = 0;;) {
    if (have == text.size()) {
      std::string larger(2 * have, '\0');
      text.copy(larger.data(), have);
      OPENSSL_cleanse(text.data(), have);
      text.swap(larger);
    }
    const ssize_t got = read(file.get(), text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return self_error(ErrorKind::kConfig, errno_text(path, errno));
    have += static_cast<std::size_t>(got);
    if (got == 0 || have > kMostBytes) {
      text.resize(have);
      break;
    }
  }
  if (text.empty() || text.size() > kMostBytes)
    return self_error(ErrorKind::kConfig, fmt::format("{}: expected PEM", path));
  return text;
}

// A key with a passphrase must not make a daemon ask on a terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

BioPtr memory_of(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::vector<X509Ptr> read_certificates(const std::string& text) {
  std::vector<X509Ptr> out;
  const BioPtr bio = memory_of(text);
  while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)) out.emplace_back(one);
  return out;
}

// True when what ended the reading was simply the end.
bool ended_cleanly() {
  const unsigned long code = ERR_peek_last_error();
  const bool clean = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  if (clean) ERR_clear_error();
  return clean;
}

std::string text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string doubts_of(const Certificate& certificate, WallTime now) {
  std::time_t at = std::chrono::system_clock::to_time_t(now);
  const X509* leaf = certificate.chain.front().get();
  if (X509_cmp_time(X509_get0_notAfter(leaf), &at) < 0) return "it has expired";
  if (X509_cmp_time(X509_get0_notBefore(leaf), &at) > 0) return "it is not valid yet";
  if (certificate.names.empty() && certificate.addresses.empty()) return "it names no host (it has no SAN)";
  return {};
}

// OpenSSL makes copies of the primes of a key when it signs for the first time: let that be now.
void sign_once(EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") != 1) return;
  const std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  const unsigned char nothing = 0;
  std::array<unsigned char, 2048> signature;
  std::size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1)
    EVP_DigestSign(context.get(), signature.data(), &size, &nothing, 1);
  ERR_clear_error();
}

Status load_key(Certificate& out, const std::string& path) {
  RPX_TRY(std::string text, read_file(path));
  const KeyScope scope;
  const BioPtr bio = memory_of(text);
  out.key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  OPENSSL_cleanse(text.data(), text.size());
  if (!out.key)
    return config_error(fmt::format("{}: no private key that can be read (a passphrase is not supported)", path));
  if (X509_check_private_key(out.chain.front().get(), out.key.get()) != 1) {
    ERR_clear_error();
    return self_error(ErrorKind::kConfig, fmt::format("{}: the key does not belong to the certificate", path));
  }
  sign_once(out.key.get());
  return {};
}

Status load_into(Certificate& out, const CertificateOptions& options) {
  RPX_TRY(out.chain, read_bundle(options.cert));
  out.fingerprint = fingerprint_of(out.chain.front().get());
  Names names = names_of(out.chain.front().get());
  out.names = std::move(names.dns);
  out.addresses = std::move(names.addresses);
  return load_key(out, options.key);
}

}  // namespace

FileMark mark_of(const std::string& path) noexcept {
  struct stat now{};
  if (stat(path.c_str(), &now) != 0) return {};
  return {now.st_ino, now.st_size, std::int64_t{now.st_mtim.tv_sec} * 1'000'000'000 + now.st_mtim.tv_nsec};
}

Names names_of(const X509* certificate) {
  Names out;
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_DNS) out.dns.push_back(lower(text_of(name->d.dNSName)));
    if (name->type != GEN_IPADD) continue;
    const std::string bytes = text_of(name->d.iPAddress);
    std::array<std::uint8_t, 16> raw{};
    if (bytes.size() != 4 && bytes.size() != 16) continue;
    std::memcpy(raw.data(), bytes.data(), bytes.size());
    const std::uint32_t v4 =
        (std::uint32_t{raw[0]} << 24) | (std::uint32_t{raw[1]} << 16) | (std::uint32_t{raw[2]} << 8) | raw[3];
    out.addresses.push_back(bytes.size() == 4 ? IpAddress::v4(v4) : IpAddress::v6(raw));
  }
  GENERAL_NAMES_free(names);
  ERR_clear_error();
  return out;
}

Result<std::vector<X509Ptr>> read_bundle(const std::string& path) {
  RPX_TRY(std::string text, read_file(path));
  ERR_clear_error();
  std::vector<X509Ptr> out = read_certificates(text);
  // A key may stand in the same file.
  OPENSSL_cleanse(text.data(), text.size());
  if (!ended_cleanly()) return config_error(fmt::format("{}: a certificate in it cannot be read", path));
  if (out.empty()) return self_error(ErrorKind::kConfig, fmt::format("{}: no certificate in it", path));
  return out;
}

Certificate load_certificate(const CertificateOptions& options, WallTime now) {
  Certificate out;
  const Status loaded = load_into(out, options);
  if (!loaded)
    out.problem = loaded.error().detail;
  else
    out.warning = doubts_of(out, now);
  return out;
}

std::string fingerprint_of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  X509_digest(certificate, EVP_sha256(), digest.data(), &size);
  std::string out;
  for (unsigned int i = 0; i < size; ++i) fmt::format_to(std::back_inserter(out), "{:02x}", digest[i]);
  return out;
}

std::string subject_of(const X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(std::max(0L, size))};
}

}  // namespace rpx::tls
