// The options of a run as the command line gives them, and the plan they make. Main thread, before a run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/app.h"
#include "load/assertion.h"
#include "plan.h"

namespace rpx::bench {

struct RunOptions {
  std::vector<std::string> urls;
  // How much.
  int connections = 50;
  std::optional<Duration> duration;
  std::string total;
  std::optional<int> threads;
  std::string rate;
  std::string arrivals;
  std::optional<Duration> warmup;
  int pipeline = 1;
  bool no_keepalive = false;
  bool awake = false;
  bool http2 = false;
  std::optional<int> streams;
  std::optional<int> seed;
  // What.
  std::string method;
  std::vector<std::string> headers;
  std::string body;
  std::string body_file;
  std::string body_size;
  std::vector<std::string> form;
  std::string compress;
  std::string weights;
  std::string feed;
  std::string replay;
  std::string speed;
  bool cookies = false;
  // How it is spoken.
  bool insecure = false;
  std::string ca;
  std::string cert;
  std::string key;
  std::string unix_socket;
  bool no_resume = false;
  // What of it.
  std::vector<std::string> checks;
  std::vector<std::string> asserts;
  std::string save;
  std::string report;
  std::string junit;
  std::string baseline;
  std::string max_regress;
  std::string compare;
  std::string find_max;
  std::optional<int> pid;
  std::string proxy;
  bool screen = false;
};

/// Declares the options of `verb`.
void declare(cli::Verb& verb, RunOptions& options);

/// Works the plan out: reads files, resolves names. Errors: kUsage, kConfig for certificates, kUnresolved.
Result<Plan> make_plan(const RunOptions& options, const cli::Common& common);

/// "5%" as 0.05.
std::optional<double> parse_percent(const std::string& text) noexcept;

/// Errors: kUsage.
Result<std::vector<load::Assertion>> parse_assertions(const std::vector<std::string>& texts);

}  // namespace rpx::bench
