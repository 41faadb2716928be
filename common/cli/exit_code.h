// The exit codes every rpx tool shares, and how an Error becomes one. Called by main files and verbs; any thread.
#pragma once

#include "base/error.h"

namespace rpx::cli {

enum class ExitCode : int {
  kDone = 0,         ///< done and true, also when there was nothing to do
  kFalse = 1,        ///< the condition asked about is false
  kUsage = 2,        ///< usage or configuration error
  kUnreachable = 3,  ///< could not reach what was asked
  kTimeout = 4,      ///< time ran out
  kRefused = 5,      ///< refused: safety, permission, version mismatch
};

constexpr int to_int(ExitCode code) noexcept { return static_cast<int>(code); }

/// The code a tool ends with when `kind` is what stopped it. Total.
ExitCode exit_code_of(ErrorKind kind) noexcept;

/// 128+n, what a shell reports for a process ended by signal `signal` (1–64).
constexpr int exit_code_of_signal(int signal) noexcept { return 128 + signal; }

}  // namespace rpx::cli
