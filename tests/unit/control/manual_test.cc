#include <catch2/catch.hpp>
#include <fstream>
#include <string>
#include <vector>

#include "control/routes.h"

TEST_CASE("manual: rpx-control(7) tells of every call, in the order of the table, and of no other", "[control]") {
  std::ifstream manual(RPX_SOURCE_DIR "/man/rpx-control.7");
  REQUIRE(manual);
  std::vector<std::string> told;
  for (std::string line; std::getline(manual, line);) {
    if (line.starts_with(".Ss ") && line.find(" /") != std::string::npos) told.push_back(line.substr(4));
  }
  std::vector<std::string> there;
  for (const rpx::control::Call& call : rpx::control::calls()) {
    there.push_back(std::string(call.method) + ' ' + std::string(call.pattern));
  }
  CHECK(told == there);
}
