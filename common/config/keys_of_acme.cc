#include "config/checks.h"
#include "config/keys_of.h"
#include "config/kinds.h"
#include "config/site.h"
#include "proxy/acme_options.h"

namespace rpx::config {
namespace {

using proxy::AcmeOptions;

// clang-format off
constexpr Key kAcmeKeys[] = {
    key("directory", kText, at<&AcmeOptions::directory>, R"("https://acme-v02.api.letsencrypt.org/directory")",
        "of the authority: the URL it is asked at first", {.check = check_https_url}),
    key("email", kText, at<&AcmeOptions::email>, R"("")", "where the authority may write to; \"\" = nowhere",
        {.example = R"("ops@example.com")", .check = check_email}),
    key("agree_tos", kBool, at<&AcmeOptions::agree_tos>, "false",
        "you agree to the terms of service of the authority; most issue nothing without"),
    key("hosts", kTexts, at<&AcmeOptions::hosts>, "[]",
        "names to obtain and renew certificates for, one each; addresses too, where the authority does that",
        {.example = R"(["example.com", "www.example.com"])", .check = check_acme_host}),
    key("challenge", kText, at<&AcmeOptions::challenge>, R"("http-01")",
        "how names are proven: http-01, on any listener without tls that is reached on port 80; tls-alpn-01, on any with "
        "tls that is reached on port 443",
        {.choices = "http-01 tls-alpn-01"}),
    key("kind", kText, at<&AcmeOptions::kind>, R"("ec")", "of the keys that are made",
        {.choices = "ec ec-p384 rsa rsa-3072 rsa-4096"}),
    key("store", kPath, at<&AcmeOptions::store>, R"("acme/")",
        "folder for the account's key, the certificates and when to renew them; proxies may share it"),
    key("ca", kFilePath, at<&AcmeOptions::ca>, R"("")",
        "PEM file with authorities that are trusted too for the directory itself: of private servers",
        {.check = check_certificates}),
    key("eab_kid", kText, at<&AcmeOptions::eab_kid>, R"("")",
        "an account that the authority knows already: its name; \"\" = none"),
    key("eab_key_file", kFilePath, at<&AcmeOptions::eab_key_file>, R"("")",
        "and the file with its key, in base64url"),
};
// clang-format on

}  // namespace

constinit const Section kAcmeSection = {
    "acme",
    "Certificates that the proxy obtains by itself (RFC 8555), and renews when the authority says (RFC 9773), else in "
    "the last third of their life. Until there is one, its name is refused.",
    Shape::kTable,
    kAcmeKeys,
    {},
    {},
    check_acme,
    kAllKeys,
    true};

}  // namespace rpx::config
