#include "bodies.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "base/text.h"
#include "codec/encoder.h"
#include "load/random.h"
#include "target.h"

namespace rpx::bench {
namespace {

constexpr Size kMostBody = Size{1} << 30;

Error bad_body(std::string detail) { return {ErrorKind::kUsage, Side::kSelf, std::move(detail)}; }

// Letters by chance: no two runs of a codec find the same, and no template begins in them.
Result<std::string> generated(const RunOptions& options) {
  const auto size = parse_size(options.body_size);
  if (!size || *size == 0 || *size > kMostBody)
    return std::unexpected(bad_body(fmt::format("--body-size \"{}\" is no size; write 10KB", options.body_size)));
  load::Random random(42);
  std::string out(*size, ' ');
  for (char& c : out) c = "abcdefghijklmnopqrstuvwxyz012345"[random.next() & 31];
  return out;
}

// RFC 7578.
Result<std::string> multipart(const std::vector<std::string>& fields, std::string_view boundary) {
  std::string out;
  for (const std::string& field : fields) {
    const std::size_t equals = field.find('=');
    if (equals == std::string::npos || equals == 0)
      return std::unexpected(bad_body(fmt::format("--form \"{}\" is no field; write name=value or name=@file", field)));
    const std::string_view name = std::string_view(field).substr(0, equals);
    std::string value = field.substr(equals + 1);
    fmt::format_to(std::back_inserter(out), "--{}\r\nContent-Disposition: form-data; name=\"{}\"", boundary, name);
    if (value.starts_with('@')) {
      const std::string path = value.substr(1);
      RPX_TRY(value, read_input(path));
      fmt::format_to(std::back_inserter(out), "; filename=\"{}\"\r\nContent-Type: application/octet-stream",
                     path.substr(path.rfind('/') + 1));
    }
    fmt::format_to(std::back_inserter(out), "\r\n\r\n{}\r\n", value);
  }
  return out + fmt::format("--{}--\r\n", boundary);
}

Status compress(const RunOptions& options, load::RequestText& text) {
  const auto coding = options.compress == "gzip" ? http::Coding::kGzip
                      : options.compress == "br" ? http::Coding::kBr
                                                 : http::Coding::kZstd;
  if (text.body.empty()) return std::unexpected(bad_body("--compress: there is no body"));
  if (text.body.find("{{") != std::string::npos)
    return std::unexpected(bad_body("--compress: a body that differs from request to request is sent as it is"));
  std::string coded;
  if (!codec::encode_once(coding, 5, text.body, coded)) return std::unexpected(bad_body("--compress: it failed"));
  text.body = std::move(coded);
  text.headers.emplace_back("Content-Encoding", options.compress);
  return {};
}

}  // namespace

Status add_body(const RunOptions& options, load::RequestText& text) {
  const int ways = (options.body.empty() ? 0 : 1) + (options.body_file.empty() ? 0 : 1) +
                   (options.body_size.empty() ? 0 : 1) + (options.form.empty() ? 0 : 1);
  if (ways > 1) return std::unexpected(bad_body("--body, --body-file, --body-size and --form: one of them"));
  text.body = options.body;
  if (!options.body_file.empty()) {
    RPX_TRY(text.body, read_input(options.body_file));
  }
  if (!options.body_size.empty()) {
    RPX_TRY(text.body, generated(options));
  }
  if (!options.form.empty()) {
    constexpr std::string_view kBoundary = "rpx-bench-4f1d9a7c2e";
    RPX_TRY(text.body, multipart(options.form, kBoundary));
    text.headers.emplace_back("Content-Type", fmt::format("multipart/form-data; boundary={}", kBoundary));
  }
  if (!options.compress.empty()) RPX_TRY_VOID(compress(options, text));
  return {};
}

}  // namespace rpx::bench
