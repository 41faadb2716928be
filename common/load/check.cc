#include "load/check.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>

#include "base/result.h"
#include "base/text.h"
#include "base/units.h"

namespace rpx::load {

struct BodyHash::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
};

BodyHash::BodyHash() : state_(std::make_unique<State>()) { reset(); }
BodyHash::~BodyHash() { EVP_MD_CTX_free(state_->context); }
void BodyHash::reset() { EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr); }
void BodyHash::add(std::string_view data) { EVP_DigestUpdate(state_->context, data.data(), data.size()); }

std::string BodyHash::finish() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(state_->context, digest, &size);
  std::string out;
  for (unsigned int i = 0; i < size; ++i) fmt::format_to(std::back_inserter(out), "{:02x}", digest[i]);
  return out;
}

namespace {

Error bad_check(std::string_view text) {
  return {ErrorKind::kUsage, Side::kSelf,
          fmt::format("--check \"{}\" is not known; write status=200, status=2xx, header:NAME=VALUE, length=N, "
                      "length>=N or sha256=HEX",
                      text)};
}

}  // namespace

Status Checks::add_status(std::string_view text) {
  for (const std::string_view one : split(text, ',')) {
    if (one.size() == 3 && one.ends_with("xx") && one[0] >= '1' && one[0] <= '5') {
      const auto hundred = static_cast<std::uint16_t>((one[0] - '0') * 100);
      statuses_.push_back({hundred, static_cast<std::uint16_t>(hundred + 99)});
      continue;
    }
    const auto number = parse_uint(one);
    if (!number || *number < 100 || *number > 999) return std::unexpected(bad_check(fmt::format("status={}", text)));
    statuses_.push_back({static_cast<std::uint16_t>(*number), static_cast<std::uint16_t>(*number)});
  }
  return {};
}

Status Checks::add_length(std::string_view text) {
  const std::size_t digits = text.find_first_not_of("<>=");
  const std::string_view sign = text.substr(0, digits);
  const auto size = digits == std::string_view::npos ? std::nullopt : parse_size(text.substr(digits));
  if (!size || (sign != "=" && sign != ">=" && sign != "<="))
    return std::unexpected(bad_check(fmt::format("length{}", text)));
  if (sign != "<=") shortest_ = *size;
  if (sign != ">=") longest_ = *size;
  return {};
}

Status Checks::add(std::string_view text) {
  if (text.starts_with("status=")) return add_status(text.substr(7));
  if (text.starts_with("length")) return add_length(text.substr(6));
  if (text.starts_with("header:")) {
    const std::string_view rest = text.substr(7);
    const std::size_t equals = rest.find('=');
    HeaderCheck check{std::string(rest.substr(0, equals)), ""};
    if (equals != std::string_view::npos) check.pattern = rest.substr(equals + 1);
    if (check.name.empty()) return std::unexpected(bad_check(text));
    headers_.push_back(std::move(check));
    return {};
  }
  if (text.starts_with("sha256=")) {
    sha256_ = lower(text.substr(7));
    if (sha256_.size() == 64 && sha256_.find_first_not_of("0123456789abcdef") == std::string::npos) return {};
  }
  return std::unexpected(bad_check(text));
}

void Checks::judge_head(std::uint16_t status, const http::Headers& headers, Verdict& verdict) const {
  const bool fits =
      statuses_.empty()
          ? status < 400
          : std::ranges::any_of(
                statuses_,
                [status](const StatusRange& range) { return status >= range.first && status <= range.last; });
  if (!fits) {
    verdict.failure = Failure::kStatus;
    fmt::format_to(std::back_inserter(verdict.detail), "status {}", status);
    return;
  }
  for (const HeaderCheck& check : headers_) {
    const http::Field* field = headers.find(check.name);
    if (field != nullptr && (check.pattern.empty() || glob_match(check.pattern, field->value))) continue;
    verdict.failure = Failure::kHeader;
    verdict.detail = field == nullptr ? fmt::format("no field {}", check.name)
                                      : fmt::format("{}: {}", check.name, field->value.substr(0, 100));
    return;
  }
}

void Checks::judge_body(std::uint64_t length, BodyHash* hash, Verdict& verdict) const {
  if (verdict.failure) return;
  if (length < shortest_ || length > longest_) {
    verdict.failure = Failure::kLength;
    fmt::format_to(std::back_inserter(verdict.detail), "{} bytes", length);
    return;
  }
  if (hash == nullptr) return;
  const std::string found = hash->finish();
  if (found == sha256_) return;
  verdict.failure = Failure::kHash;
  verdict.detail = "sha256 " + found;
}

}  // namespace rpx::load
