#include "http/message.h"

#include <algorithm>
#include <array>

namespace rpx::http {
namespace {

struct Named {
  std::string_view name;
  Method method;
};
constexpr std::array kMethods{
    Named{"GET", Method::kGet},     Named{"HEAD", Method::kHead},       Named{"POST", Method::kPost},
    Named{"PUT", Method::kPut},     Named{"DELETE", Method::kDelete},   Named{"OPTIONS", Method::kOptions},
    Named{"PATCH", Method::kPatch}, Named{"CONNECT", Method::kConnect}, Named{"TRACE", Method::kTrace},
};

struct Reason {
  std::uint16_t status;
  std::string_view phrase;
};
// RFC 9110 section 15, and the registered codes of RFC 2518, 3229, 4918, 5842, 6585, 7725, 8297, 8470.
constexpr std::array kReasons{
    Reason{100, "Continue"},
    Reason{101, "Switching Protocols"},
    Reason{102, "Processing"},
    Reason{103, "Early Hints"},
    Reason{200, "OK"},
    Reason{201, "Created"},
    Reason{202, "Accepted"},
    Reason{203, "Non-Authoritative Information"},
    Reason{204, "No Content"},
    Reason{205, "Reset Content"},
    Reason{206, "Partial Content"},
    Reason{207, "Multi-Status"},
    Reason{208, "Already Reported"},
    Reason{226, "IM Used"},
    Reason{300, "Multiple Choices"},
    Reason{301, "Moved Permanently"},
    Reason{302, "Found"},
    Reason{303, "See Other"},
    Reason{304, "Not Modified"},
    Reason{305, "Use Proxy"},
    Reason{307, "Temporary Redirect"},
    Reason{308, "Permanent Redirect"},
    Reason{400, "Bad Request"},
    Reason{401, "Unauthorized"},
    Reason{402, "Payment Required"},
    Reason{403, "Forbidden"},
    Reason{404, "Not Found"},
    Reason{405, "Method Not Allowed"},
    Reason{406, "Not Acceptable"},
    Reason{407, "Proxy Authentication Required"},
    Reason{408, "Request Timeout"},
    Reason{409, "Conflict"},
    Reason{410, "Gone"},
    Reason{411, "Length Required"},
    Reason{412, "Precondition Failed"},
    Reason{413, "Content Too Large"},
    Reason{414, "URI Too Long"},
    Reason{415, "Unsupported Media Type"},
    Reason{416, "Range Not Satisfiable"},
    Reason{417, "Expectation Failed"},
    Reason{421, "Misdirected Request"},
    Reason{422, "Unprocessable Content"},
    Reason{423, "Locked"},
    Reason{424, "Failed Dependency"},
    Reason{425, "Too Early"},
    Reason{426, "Upgrade Required"},
    Reason{428, "Precondition Required"},
    Reason{429, "Too Many Requests"},
    Reason{431, "Request Header Fields Too Large"},
    Reason{451, "Unavailable For Legal Reasons"},
    Reason{500, "Internal Server Error"},
    Reason{501, "Not Implemented"},
    Reason{502, "Bad Gateway"},
    Reason{503, "Service Unavailable"},
    Reason{504, "Gateway Timeout"},
    Reason{505, "HTTP Version Not Supported"},
    Reason{506, "Variant Also Negotiates"},
    Reason{507, "Insufficient Storage"},
    Reason{508, "Loop Detected"},
    Reason{511, "Network Authentication Required"},
};
static_assert(std::is_sorted(kReasons.begin(), kReasons.end(),
                             [](const Reason& a, const Reason& b) { return a.status < b.status; }));

}  // namespace

Method method_of(std::string_view name) noexcept {
  for (const Named& row : kMethods)
    if (row.name == name) return row.method;
  return Method::kOther;
}

bool is_idempotent(Method method) noexcept {
  return method != Method::kPost && method != Method::kPatch && method != Method::kConnect && method != Method::kOther;
}

void RequestHead::clear() noexcept {
  method = Method::kGet;
  method_name = {};
  raw_target = {};
  target = {};
  minor_version = 1;
  framing = Framing::kNone;
  content_length = 0;
  keep_alive = true;
  expects_continue = false;
  wants_upgrade = false;
  headers.clear();
}

void ResponseHead::release() noexcept {
  headers.release();
  clear();
}

void ResponseHead::clear() noexcept {
  status = 0;
  reason = {};
  minor_version = 1;
  framing = Framing::kNone;
  content_length = 0;
  keep_alive = true;
  headers.clear();
}

std::string_view reason_phrase(std::uint16_t status) noexcept {
  const auto at = std::lower_bound(kReasons.begin(), kReasons.end(), status,
                                   [](const Reason& row, std::uint16_t wanted) { return row.status < wanted; });
  return at != kReasons.end() && at->status == status ? at->phrase : "Unknown";
}

}  // namespace rpx::http
