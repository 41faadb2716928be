// What holds the sections of a file together: lists of tables, defaults, and the checks that look at several of
// them. Called by the key tables while a file is read.
#pragma once

#include "config/keys.h"
#include "config/reader.h"

namespace rpx::config {

extern const Kind<Document> kInclude;  // read before anything else, see files.h
extern const Kind<Document> kListeners;
extern const Kind<Document> kCertificates;
extern const Kind<Document> kUpstreams;
extern const Kind<Document> kCompressRules;
extern const Kind<Document> kCaches;
extern const Kind<Document> kRateLimits;
extern const Kind<Document> kAccessLists;
extern const Kind<Document> kFaults;
extern const Kind<std::vector<policy::AccessRuleOptions>> kAccessRules;
extern const Kind<std::vector<cache::StatusTtl>> kStatusTtl;
extern const Kind<std::vector<cache::BypassOptions>> kBypassRules;
extern const Kind<Document> kBans;
extern const Kind<Document> kDefaults;
extern const Kind<Document> kRoutes;

/// Section checks.
void check_header_rules(Reader& reader, const Node& table, void* rules);
void check_redirect(Reader& reader, const Node& table, void* redirect);
void check_respond(Reader& reader, const Node& table, void* respond);
void check_health(Reader& reader, const Node& table, void* health);
void check_eject(Reader& reader, const Node& table, void* eject);
void check_sticky(Reader& reader, const Node& table, void* sticky);
void check_breaker(Reader& reader, const Node& table, void* breaker);
void check_rewrite(Reader& reader, const Node& table, void* rewrite);
void check_tls(Reader& reader, const Node& table, void* tls);
void check_acme(Reader& reader, const Node& table, void* acme);
void check_server_tls(Reader& reader, const Node& table, void* tls);
void check_serve(Reader& reader, const Node& table, void* serve);
void check_access(Reader& reader, const Node& table, void* access);
void check_forward_auth(Reader& reader, const Node& table, void* auth);
void check_jwt(Reader& reader, const Node& table, void* jwt);
void check_admin(Reader& reader, const Node& table, void* admin);
void check_upstream(Reader& reader, const Node& table, void* upstream);

/// Finds what each route names in `compress`; "default" is made where no table is called so.
void check_compress(Reader& reader, Document& document);

/// What tcp listeners and tcp:// servers cannot have, and what they must.
void check_layer4(Reader& reader, const Document& document);

/// Makes upstreams of the servers that forward_auth asks, and finds those that it names.
void resolve_auth(Reader& reader, Document& document);
/// Finds what each route names in `access` and `rate_limit`.
void check_admission(Reader& reader, const Document& document);

/// Finds what each route names in `cache`.
void check_caches(Reader& reader, const Document& document);

/// What concerns the site as a whole: names, upstreams of routes (URLs become upstreams), what a route does. To be
/// called once everything was read from `root`.
void check_document(Reader& reader, Document& document, const Node& root);
/// What concerns TLS: listeners need certificates.
void check_certificates_of(Reader& reader, const Document& document);
/// What [acme] needs of listeners.
void check_challenges(Reader& reader, const Document& document, const Node& root);
/// Warnings about certificates that cannot be served, or hardly.
void warn_certificates(Reader& reader, const Document& document);
/// Warnings about what works, but hardly as meant: unreachable routes, unused upstreams.
void warn_document(Reader& reader, const Document& document);

}  // namespace rpx::config
