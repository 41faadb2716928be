#include <catch2/catch.hpp>

#include "http/coding.h"

namespace rpx::http {
namespace {

constexpr std::array<Coding, 3> kPreference{Coding::kZstd, Coding::kBr, Coding::kGzip};

TEST_CASE("coding: weights come before our preference, identity and * have their say", "[http][rfc9110-12.5.3]") {
  struct Row {
    const char* accept;
    Coding chosen;
  };
  const Row rows[] = {
      {"gzip", Coding::kGzip},
      {"GZip", Coding::kGzip},
      {"x-gzip", Coding::kGzip},
      {"gzip, deflate, br", Coding::kBr},
      {"gzip, deflate, br, zstd", Coding::kZstd},
      {"br;q=0.5, gzip;q=0.8", Coding::kGzip},
      {"br ; q=0.5 , gzip;q=0.5", Coding::kBr},
      {"gzip;q=0", Coding::kIdentity},
      {"gzip;q=0.000", Coding::kIdentity},
      {"gzip;q=0.001", Coding::kGzip},
      {"gzip;Q=1.000", Coding::kGzip},
      {"*", Coding::kZstd},
      {"*;q=0", Coding::kIdentity},
      {"*;q=0, gzip", Coding::kGzip},
      {"zstd;q=0, *", Coding::kBr},
      {"gzip;q=0.5, *;q=0.8", Coding::kZstd},
      {"identity", Coding::kIdentity},
      {"identity, gzip", Coding::kGzip},
      {"identity;q=1, gzip;q=0.5", Coding::kIdentity},
      {"identity;q=0.5, gzip;q=0.5", Coding::kGzip},
      {"identity;q=0, gzip;q=0.1", Coding::kGzip},
      {"identity;q=0", Coding::kIdentity},
      {"", Coding::kIdentity},
      {"compress, deflate", Coding::kIdentity},
      {",, gzip ,", Coding::kGzip},
      {"gzip;q=", Coding::kIdentity},
      {"gzip;q=1.5", Coding::kIdentity},
      {"gzip;q=-1", Coding::kIdentity},
      {"gzip;q=0.1234", Coding::kIdentity},
      {"gzip;level=5", Coding::kIdentity},
      {"gzipped", Coding::kIdentity},
  };
  for (const Row& row : rows) {
    Headers request;
    request.add("Accept-Encoding", row.accept);
    CAPTURE(row.accept);
    CHECK(name_of(choose_coding(request, kPreference)) == name_of(row.chosen));
  }
}

TEST_CASE("coding: several lines are one list, and none asks for nothing", "[http][rfc9110-12.5.3]") {
  Headers request;
  CHECK(choose_coding(request, kPreference) == Coding::kIdentity);
  request.add("Accept-Encoding", "gzip;q=0.5");
  request.add("accept-encoding", "br;q=0.6");
  CHECK(choose_coding(request, kPreference) == Coding::kBr);
  CHECK(choose_coding(request, {}) == Coding::kIdentity);
}

}  // namespace
}  // namespace rpx::http
