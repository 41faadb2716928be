#include "proxy/run_state.h"

#include <catch2/catch.hpp>

#include "base/rfc3339.h"

namespace rpx::proxy {
namespace {

TEST_CASE("run state: what is written is read again", "[proxy]") {
  RunState state;
  upstream::ServerOptions server{
      .url = "http://10.0.0.3:80", .weight = 2, .backup = true, .priority = 3, .max_connections = 4};
  state.added.push_back({"app", server});
  state.removed.push_back({"app", "unix:/run/a.sock"});
  const WallTime until = parse_rfc3339("2026-01-02T03:04:05Z").value();
  state.admins.push_back({"app", "http://10.0.0.1:80", upstream::Admin::kDrain, std::nullopt});
  state.admins.push_back({"other", "http://10.0.0.2:80", upstream::Admin::kMaint, until});
  state.weights.push_back({"app", "http://10.0.0.1:80", 7, 1});
  std::vector<std::string> problems;
  const RunState read = parse_run_state(format_run_state(state), problems);
  CHECK(problems.empty());
  REQUIRE(read.added.size() == 1);
  CHECK(read.added[0].server == server);
  CHECK(read.removed == state.removed);
  REQUIRE(read.admins.size() == 2);
  CHECK(read.admins[0].admin == upstream::Admin::kDrain);
  CHECK_FALSE(read.admins[0].until);
  CHECK(read.admins[1].until == until);
  REQUIRE(read.weights.size() == 1);
  CHECK(read.weights[0].weight == 7);
  CHECK(read.weights[0].configured == 1);
}

TEST_CASE("run state: what cannot be read is left out and told", "[proxy]") {
  for (const std::string_view line :
       {"drain", "drain app", "drain app http://a tomorrow", "weight app http://a 0 1", "weight app http://a 1",
        "added app nowhere", "added app http://a colour=1", "removed app a b", "gone app http://a"}) {
    CAPTURE(line);
    std::vector<std::string> problems;
    const RunState read = parse_run_state("# head\n" + std::string(line) + "\nmaint app http://b\n", problems);
    CHECK(problems.size() == 1);
    CHECK(read.added.empty());
    CHECK(read.removed.size() + read.weights.size() == 0);
    CHECK(read.admins.size() == 1);
  }
}

}  // namespace
}  // namespace rpx::proxy
