#include "policy/compress.h"

#include <catch2/catch.hpp>
#include <random>

namespace rpx::policy {
namespace {

struct Fields {
  const char* name;
  const char* value;
};

TEST_CASE("compress: what may be coded", "[policy][rfc9110-8.4]") {
  const CompressRule rule{CompressOptions{}};
  struct Row {
    std::uint16_t status;
    const char* type;
    Fields more;
    bool suits;
  };
  const Row rows[] = {
      {200, "text/html", {}, true},
      {200, "Text/HTML; charset=utf-8", {}, true},
      {200, "application/json", {}, true},
      {200, "application/json;charset=utf-8", {}, true},
      {404, "text/plain", {}, true},
      {200, "application/jsonx", {}, false},
      {200, "image/png", {}, false},
      {200, "text", {}, false},
      {200, "", {}, false},
      {204, "text/html", {}, false},
      {206, "text/html", {}, false},
      {304, "text/html", {}, false},
      {101, "text/html", {}, false},
      {200, "text/html", {"Content-Encoding", "gzip"}, false},
      {200, "text/html", {"Content-Encoding", "identity"}, true},
      {416, "text/html", {"Content-Range", "bytes */10"}, false},
      {200, "text/html", {"Cache-Control", "public, no-transform"}, false},
      {200, "text/html", {"Cache-Control", "no-cache"}, true},
      {200, "text/html", {"Content-Digest", "sha-256=:x:"}, false},
      {200, "text/html", {"Repr-Digest", "sha-256=:x:"}, false},
  };
  for (const Row& row : rows) {
    http::Headers reply;
    if (*row.type) reply.add("Content-Type", row.type);
    if (row.more.name) reply.add(row.more.name, row.more.value);
    CAPTURE(row.status, row.type, row.suits);
    CHECK(rule.suits(row.status, {}, reply) == row.suits);
  }
  http::Headers reply;
  reply.add("Content-Type", "text/html");
  http::Headers request;
  request.add("Cache-Control", "no-transform");
  CHECK_FALSE(rule.suits(200, request, reply));
}

TEST_CASE("compress: the codings and their order are the rule's", "[policy]") {
  CompressOptions options;
  options.encodings = {"gzip", "br"};
  options.level = {.gzip = 9, .br = 5, .zstd = 1};
  options.types = {"*/*"};
  const CompressRule rule(options);
  http::Headers request;
  request.add("Accept-Encoding", "zstd, br, gzip");
  CHECK(rule.choose(request) == http::Coding::kGzip);
  // Levels that are given hold under any load.
  for (const Load load : {Load::kLight, Load::kBusy, Load::kFull}) {
    CHECK(rule.level(http::Coding::kGzip, load) == 9);
    CHECK(rule.level(http::Coding::kBr, load) == 5);
  }
  http::Headers reply;
  reply.add("Content-Type", "image/png");
  CHECK(rule.suits(200, request, reply));
}

TEST_CASE("compress: levels that go by the load fall as it rises", "[policy]") {
  CompressOptions options;
  options.level.automatic = true;
  const CompressRule rule(options);
  CHECK(rule.goes_by_load());
  for (const http::Coding coding : http::kCodings) {
    CHECK(rule.level(coding, Load::kLight) > rule.level(coding, Load::kBusy));
    CHECK(rule.level(coding, Load::kBusy) > rule.level(coding, Load::kFull));
    CHECK(CompressRule::patient_level(coding) > rule.level(coding, Load::kLight));
  }
}

TEST_CASE("compress: a 304 confirms the tag that the client has, weak or strong", "[policy][rfc9110-15.4.5]") {
  struct Row {
    const char* asked;
    const char* tag;
    bool weak;
  };
  const Row rows[] = {{"W/\"a\"", "\"a\"", true},         {"\"a\"", "\"a\"", false}, {"\"b\", W/\"a\"", "\"a\"", true},
                      {"W/\"b\", \"a\"", "\"a\"", false}, {nullptr, "\"a\"", true},  {"*", "\"a\"", true},
                      {"W/\"a\"", nullptr, true}};
  for (const Row& row : rows) {
    http::Headers request;
    http::Headers reply;
    if (row.asked) request.add("If-None-Match", row.asked);
    if (row.tag) reply.add("ETag", row.tag);
    CAPTURE(row.weak);
    CHECK(confirms_weakly(request, reply) == row.weak);
  }
}

TEST_CASE("compress: Vary names Accept-Encoding once", "[policy][rfc9110-12.5.5]") {
  const Fields rows[] = {{nullptr, "Accept-Encoding"},
                         {"Cookie", "Cookie, Accept-Encoding"},
                         {"*", "*"},
                         {"Cookie, accept-encoding", "Cookie, accept-encoding"},
                         {"", "Accept-Encoding"}};
  for (const auto& [before, after] : rows) {
    Arena arena;
    http::Headers reply;
    if (before) reply.add("Vary", before);
    vary_by_encoding(reply, arena);
    CHECK(reply.value("Vary") == after);
    CHECK(reply.size() == 1);
  }
}

TEST_CASE("compress: a coded reply has a weak tag and no ranges", "[policy][rfc9110-8.8.1]") {
  const Fields rows[] = {{"\"a\"", "W/\"a\""}, {"W/\"a\"", "W/\"a\""}, {"odd", "odd"}};
  for (const auto& [before, after] : rows) {
    Arena arena;
    http::Headers reply;
    reply.add("ETag", before);
    reply.add("Accept-Ranges", "bytes");
    reply.add("Content-Encoding", "identity");
    mark_encoded(reply, arena, http::Coding::kBr);
    CHECK(reply.value("ETag") == after);
    CHECK(reply.value("Content-Encoding") == "br");
    CHECK(reply.size() == 2);
  }
}

TEST_CASE("compress: noise looks dense, text and short bodies do not", "[policy]") {
  std::mt19937 random(1);
  std::string noise(5000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  std::string text;
  while (text.size() < 5000) text += "The quick brown fox jumps over the lazy dog. 0123456789\n";
  std::string base64(5000, '\0');
  for (char& c : base64) c = static_cast<char>('0' + random() % 64);
  CHECK(looks_dense(noise));
  CHECK(looks_dense(std::string_view(noise).substr(0, 1024)));
  CHECK_FALSE(looks_dense(std::string_view(noise).substr(0, 1000)));
  CHECK_FALSE(looks_dense(text));
  CHECK_FALSE(looks_dense(base64));
  CHECK_FALSE(looks_dense({}));
}

TEST_CASE("compress: which request bodies may be coded", "[policy]") {
  CompressOptions options;
  options.requests = CompressRequestOptions{.encoding = "gzip", .min_size = 1000};
  const CompressRule rule(options);
  CHECK(rule.changes_requests());
  CHECK(rule.request_coding() == http::Coding::kGzip);
  struct Row {
    http::Framing framing;
    std::uint64_t length;
    const char* type;
    Fields more;
    bool suits;
  };
  const Row rows[] = {
      {http::Framing::kLength, 1000, "application/json", {}, true},
      {http::Framing::kLength, 999, "application/json", {}, false},
      {http::Framing::kChunked, 0, "application/json", {}, true},
      {http::Framing::kNone, 0, "application/json", {}, false},
      {http::Framing::kChunked, 0, "image/png", {}, false},
      {http::Framing::kChunked, 0, "", {}, false},
      {http::Framing::kChunked, 0, "text/plain", {"Content-Digest", "sha-256=:x:"}, false},
      {http::Framing::kChunked, 0, "text/plain", {"Cache-Control", "no-transform"}, false},
  };
  for (const Row& row : rows) {
    http::RequestHead request;
    request.framing = row.framing;
    request.content_length = row.length;
    if (*row.type != 0) request.headers.set("Content-Type", row.type);
    if (row.more.name) request.headers.set(row.more.name, row.more.value);
    CAPTURE(row.length, row.type);
    CHECK(rule.suits_request(request) == row.suits);
  }
  http::RequestHead request;
  request.framing = http::Framing::kChunked;
  request.headers.set("Content-Type", "text/plain");
  CHECK(CompressRule(CompressOptions{}).suits_request(request));
  options.requests.encoding = "off";
  CHECK_FALSE(CompressRule(options).suits_request(request));
  CHECK_FALSE(CompressRule(options).changes_requests());
}

TEST_CASE("compress: the codings of a body, in the order they were put on", "[policy][rfc9110-8.4]") {
  using Codings = std::vector<http::Coding>;
  struct Row {
    const char* value;
    std::optional<Codings> codings;
  };
  const Row rows[] = {
      {"gzip", Codings{http::Coding::kGzip}},
      {"X-GZIP , br", Codings{http::Coding::kGzip, http::Coding::kBr}},
      {"identity", Codings{}},
      {", zstd,", Codings{http::Coding::kZstd}},
      {"compress", std::nullopt},
      {"gzip, deflate", std::nullopt},
      {"gzip, gzip, gzip, gzip", std::nullopt},
  };
  for (const Row& row : rows) {
    http::Headers headers;
    headers.set("Content-Encoding", row.value);
    CAPTURE(row.value);
    CHECK(codings_of(headers) == row.codings);
  }
}

}  // namespace
}  // namespace rpx::policy
