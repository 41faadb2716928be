#include "policy/compress.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace rpx::policy {
namespace {

using http::Coding;
using http::FieldId;

/// Digests of the content as it is (RFC 9530), and fields that only partial content has.
bool is_about_bytes(const http::Field& field) noexcept {
  constexpr std::array<std::string_view, 5> kNames{"Content-Range", "Content-Digest", "Repr-Digest", "Digest",
                                                   "Content-MD5"};
  if (field.id != FieldId::kOther || field.name.size() < 6) return false;
  return std::ranges::any_of(kNames, [&](std::string_view name) { return iequals(name, field.name); });
}

}  // namespace

CompressRule::CompressRule(const CompressOptions& options)
    : level_(options.level),
      min_size_(options.min_size),
      decompress_requests_(options.decompress_requests),
      decompress_replies_(options.decompress_replies),
      max_ratio_(options.max_ratio) {
  if (options.requests.encoding != "off") {
    requests_ = true;
    request_coding_ = http::coding_of(options.requests.encoding).value_or(Coding::kIdentity);
    request_min_size_ = options.requests.min_size;
  }
  for (const std::string& name : options.encodings)
    if (const auto coding = http::coding_of(name); coding && *coding != Coding::kIdentity)
      encodings_.push_back(*coding);
  for (const std::string& type : options.types) types_.push_back(lower(type));
}

bool CompressRule::takes_type(std::string_view content_type) const noexcept {
  const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  const std::size_t slash = type.find('/');
  if (slash == std::string_view::npos) return false;
  return std::ranges::any_of(types_, [&](std::string_view wanted) {
    if (wanted.ends_with("/*"))
      return wanted == "*/*" || iequals(wanted.substr(0, wanted.size() - 1), type.substr(0, slash + 1));
    return iequals(wanted, type);
  });
}

bool CompressRule::suits(std::uint16_t status, const http::Headers& request,
                         const http::Headers& reply) const noexcept {
  if (status < 200 || status == 204 || status == 205 || status == 206 || status == 304) return false;
  if (!takes_type(reply.value(FieldId::kContentType))) return false;
  for (const http::Field& field : reply) {
    if (field.id == FieldId::kContentEncoding && !iequals(field.value, "identity")) return false;
    if (is_about_bytes(field)) return false;
  }
  return !forbids_transform(reply) && !forbids_transform(request);
}

bool CompressRule::suits_request(const http::RequestHead& request) const noexcept {
  if (!requests_ || request.framing == http::Framing::kNone) return false;
  if (request.framing == http::Framing::kLength && request.content_length < request_min_size_) return false;
  if (!takes_type(request.headers.value(FieldId::kContentType))) return false;
  return std::ranges::none_of(request.headers, is_about_bytes) && !forbids_transform(request.headers);
}

namespace {

std::uint32_t level_in(const CompressLevels& levels, Coding coding) noexcept {
  switch (coding) {
    case Coding::kGzip: return levels.gzip;
    case Coding::kBr: return levels.br;
    case Coding::kZstd: return levels.zstd;
    case Coding::kIdentity: break;
  }
  return 0;
}

}  // namespace

std::uint32_t CompressRule::level(Coding coding, Load load) const noexcept {
  // Each step costs about half of the one before, and a few per cent of size.
  constexpr std::array<CompressLevels, 3> kByLoad{CompressLevels{.gzip = 6, .br = 5, .zstd = 5},
                                                  CompressLevels{.gzip = 4, .br = 4, .zstd = 3},
                                                  CompressLevels{.gzip = 1, .br = 1, .zstd = 1}};
  return level_in(level_.automatic ? kByLoad[static_cast<std::size_t>(load)] : level_, coding);
}

std::uint32_t CompressRule::patient_level(Coding coding) noexcept {
  constexpr CompressLevels kPatient{.gzip = 9, .br = 10, .zstd = 15};
  return level_in(kPatient, coding);
}

void vary_by_encoding(http::Headers& reply, Arena& arena) {
  http::Field* first = nullptr;
  for (http::Field& field : reply.raw()) {
    if (!iequals(field.name, "Vary")) continue;
    if (http::list_contains(field.value, "*") || http::list_contains(field.value, "accept-encoding")) return;
    if (!first) first = &field;
  }
  // Joined to what is there: some caches read only one line.
  if (first && !first->value.empty())
    first->value = arena.join(first->value, ", Accept-Encoding");
  else
    reply.set("Vary", "Accept-Encoding");
}

void weaken_etag(http::Headers& reply, Arena& arena) {
  for (http::Field& field : reply.raw())
    if (field.id == FieldId::kETag && field.value.starts_with('"')) field.value = arena.join("W/", field.value);
}

bool confirms_weakly(const http::Headers& request, const http::Headers& reply) noexcept {
  const std::string_view tag = reply.value(FieldId::kETag);
  const std::string_view asked = request.value("If-None-Match");
  // Who gives no tags may have been given weak ones.
  if (tag.empty() || asked.empty()) return true;
  for (std::size_t at = asked.find(tag); at != std::string_view::npos; at = asked.find(tag, at + 1))
    if (at < 2 || asked.substr(at - 2, 2) != "W/") return false;
  return true;
}

void mark_encoded(http::Headers& reply, Arena& arena, Coding coding) {
  reply.remove(FieldId::kContentEncoding);
  reply.remove(FieldId::kAcceptRanges);
  reply.add(FieldId::kContentEncoding, "Content-Encoding", http::name_of(coding));
  weaken_etag(reply, arena);
}

void mark_decoded(http::Headers& reply, Arena& arena) {
  reply.remove(FieldId::kContentEncoding);
  reply.remove(FieldId::kAcceptRanges);
  weaken_etag(reply, arena);
}

bool forbids_transform(const http::Headers& headers) noexcept {
  return std::ranges::any_of(headers, [](const http::Field& field) {
    return field.id == FieldId::kCacheControl && http::list_contains(field.value, "no-transform");
  });
}

std::optional<std::vector<Coding>> codings_of(const http::Headers& headers) {
  constexpr std::size_t kMostCodings = 3;
  std::vector<Coding> out;
  for (const http::Field& field : headers) {
    if (field.id != FieldId::kContentEncoding) continue;
    for (const std::string_view member : split(field.value, ',')) {
      const std::string_view name = trim(member);
      if (name.empty()) continue;
      const auto coding = http::coding_of(name);
      if (!coding) return std::nullopt;
      if (*coding != Coding::kIdentity) out.push_back(*coding);
    }
  }
  if (out.size() > kMostCodings) return std::nullopt;
  return out;
}

bool looks_dense(std::string_view sample) noexcept {
  constexpr std::size_t kLeast = 1024;
  constexpr std::size_t kLook = 4096;
  if (sample.size() < kLeast) return false;
  sample = sample.substr(0, kLook);
  std::array<std::uint16_t, 256> counts{};
  for (const char c : sample) ++counts[static_cast<unsigned char>(c)];
  // How often two bytes are the same by chance: 1/256 for random bytes, where text has 1/20. Half again as much as
  // random is the bound: what lies below it shrinks by a few per cent at most.
  std::uint64_t pairs = 0;
  for (const std::uint64_t count : counts) pairs += count * (count - (count != 0 ? 1 : 0));
  const std::uint64_t all = std::uint64_t{sample.size()} * (sample.size() - 1);
  return pairs * 512 < all * 3;
}

}  // namespace rpx::policy
