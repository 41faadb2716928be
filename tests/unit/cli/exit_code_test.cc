#include "cli/exit_code.h"

#include <catch2/catch.hpp>

using rpx::ErrorKind;
using rpx::cli::exit_code_of;
using rpx::cli::to_int;

TEST_CASE("exit_code: each kind of failure has the code scripts are promised", "[cli]") {
  struct Row {
    ErrorKind kind;
    int want;
  };
  const Row rows[] = {
      {ErrorKind::kUsage, 2},          {ErrorKind::kConfig, 2},          {ErrorKind::kConnectRefused, 3},
      {ErrorKind::kConnectFailed, 3},  {ErrorKind::kUnresolved, 3},      {ErrorKind::kReset, 3},
      {ErrorKind::kConnectTimeout, 4}, {ErrorKind::kResponseTimeout, 4}, {ErrorKind::kIo, 5},
      {ErrorKind::kInternal, 5},
  };
  for (const Row& row : rows) {
    INFO("kind " << rpx::facts_of(row.kind).name);
    CHECK(to_int(exit_code_of(row.kind)) == row.want);
  }
}

TEST_CASE("exit_code: a signal is told as a shell tells it", "[cli]") {
  CHECK(rpx::cli::exit_code_of_signal(15) == 143);
}
