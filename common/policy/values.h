// What an exchange has for the {variables} of header rules, redirects and fixed replies. proxy/ fills one
// per exchange, with views only, and completes it when a server was chosen and a reply came. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.h"
#include "policy/text_template.h"

namespace rpx::policy {

/// Borrowed for the call it is given to. What is not known yet stays empty and renders as nothing.
struct Values {
  const http::RequestHead& request;
  std::string_view client;     ///< believed client address
  std::string_view peer;       ///< address of the connection's other end
  std::string_view scheme;     ///< "http" or "https", as believed
  std::string_view authority;  ///< host the client asked for, with its port if it gave one, as believed
  std::string_view request_id;
  std::string_view route;
  std::string_view listener;
  std::string_view upstream;
  std::string_view server;
  std::uint16_t status = 0;                          ///< of the reply; 0 before there is one
  const http::Headers* response_headers = nullptr;   ///< of the reply; null before there is one
  std::string_view client_certificate_subject = {};  ///< of a verified client certificate
  std::string_view client_certificate_fingerprint = {};
  std::string_view user = {};  ///< who the client has proved to be
};

/// Appends the value of `part`. {path} and {target} are the client's own path in canonical form, before strip_prefix
/// and rewrite. Variables of log lines alone (times, byte counts) have no value here: TextTemplate::parse refuses them.
void append_value(std::string& out, const TemplatePart& part, const Values& values);
/// The value of cookie `name` in the Cookie fields of `headers`, the first one; empty when there is none.
std::string_view cookie_value(const http::Headers& headers, std::string_view name) noexcept;
/// `authority` without its port; an IPv6 address keeps its brackets.
std::string_view host_of(std::string_view authority) noexcept;

}  // namespace rpx::policy
