#include "control/certificate_handlers.h"

#include "base/log.h"
#include "base/result.h"
#include "base/units.h"
#include "control/paging.h"
#include "tls/stapling.h"

namespace rpx::control {
namespace {

struct Row {
  proxy::CertificateView view;
  tls::Staple staple;
};

// In the order of the configuration.
std::vector<Row> rows_of(const proxy::Certificates* certificates) {
  std::vector<Row> out;
  for (proxy::CertificateView& view : proxy::view_certificates(certificates)) out.push_back({std::move(view), {}});
  if (certificates == nullptr) return out;
  const auto contexts = certificates->current();
  for (const tls::Holding& holding : contexts->holdings())
    for (Row& row : out)
      if (row.view.fingerprint == holding.certificate->fingerprint && !holding.certificate->chain.empty())
        row.staple = tls::staple_of(holding.certificate->chain.front().get());
  return out;
}

void write_text(Json& json, std::string_view name, const std::string& text) {
  json.key(name);
  text.empty() ? json.null() : json.value(std::string_view(text));
}

// What the authority's responder says; null for a certificate that names none.
void write_ocsp(Json& json, const tls::Staple& staple, WallTime now) {
  json.key("ocsp");
  if (staple.state.empty()) {
    json.null();
    return;
  }
  const bool stapled = !staple.response.empty() && now < staple.until;
  json.open_object().member("state", staple.state).member("stapled", stapled);
  write_text(json, "until", staple.until == WallTime{} ? std::string() : format_rfc3339(staple.until));
  write_text(json, "why", staple.why);
  json.close_object();
}

void write_certificate(Json& json, const Row& row, const std::vector<std::string>& listeners) {
  const proxy::CertificateView& one = row.view;
  const bool known = !one.fingerprint.empty();
  json.open_object().member("cert", one.cert).member("key", one.key).member("names", one.names);
  write_text(json, "subject", one.subject);
  write_text(json, "issuer", one.issuer);
  write_text(json, "key_type", one.key_type);
  write_text(json, "not_before", known ? format_rfc3339(one.from) : std::string());
  write_text(json, "not_after", known ? format_rfc3339(one.until) : std::string());
  write_text(json, "fingerprint", one.fingerprint);
  json.member("served", one.served);
  json.member("listeners", one.served ? listeners : std::vector<std::string>());
  write_text(json, "problem", one.problem);
  write_text(json, "warning", one.warning);
  write_ocsp(json, row.staple, std::chrono::system_clock::now());
  json.close_object();
}

std::vector<std::string> tls_listeners(Host& host) {
  std::vector<std::string> out;
  for (const proxy::ListenerView& listener : host.status().listeners)
    if (listener.tls) out.push_back(listener.name);
  return out;
}

}  // namespace

Reply answer_certificates(Host& host, const Request& request) {
  const auto page = parse_page(request);
  if (!page) return problem_reply(400, page.error().detail);
  const std::vector<std::string> listeners = tls_listeners(host);
  return page_reply(*page, rows_of(host.certificates().get()),
                    [&listeners](Json& json, const Row& row) { write_certificate(json, row, listeners); });
}

Reply answer_certificates_reload(Host& host, const Request& request) {
  const auto certificates = host.certificates();
  if (!certificates) return problem_reply(409, "no listener has tls = true");
  const Status done = certificates->reload();
  const std::string uid = request.asker.who();
  log_event(done ? LogLevel::kNotice : LogLevel::kWarning, "reload of certificates",
            {{"uid", uid}, {"outcome", done ? std::string_view("done") : std::string_view(done.error().detail)}});
  if (!done) return problem_reply(422, done.error().detail);
  const auto views = proxy::view_certificates(certificates.get());
  std::size_t bad = 0;
  Json json;
  json.open_object().key("problems").open_array();
  for (const proxy::CertificateView& one : views) {
    if (one.problem.empty()) continue;
    ++bad;
    json.open_object().member("cert", one.cert).member("served", one.served).member("problem", one.problem);
    json.close_object();
  }
  json.close_array().member("good", views.size() - bad).member("bad", bad).close_object();
  return json_reply(json);
}

}  // namespace rpx::control
