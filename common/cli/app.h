// The command line of a tool: verbs, options, help, suggestions, exit codes; CLI11 does the parsing. main.cc builds one
// App and returns what run() returns. The only part of librpx, with terminal.h, that prints. Main thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/exit_code.h"
#include "cli/spec.h"

namespace rpx::cli {

/// Declares one verb, in the order it is written. Targets must outlive App::run, action included; most verbs keep them
/// in a shared_ptr that the action holds. An option's `names` are "-c,--config" or "--to".
class Verb {
 public:
  explicit Verb(VerbSpec& spec) : spec_(&spec) {}

  Verb& example(std::string command, std::string what);
  Verb& flag(std::string_view names, bool& target, std::string help);
  /// `value` is what the value is called in help and man page: "FILE", "ADDR", "N", "DURATION".
  Verb& option(std::string_view names, std::string value, Target target, std::string help);
  /// Only `choices` are accepted.
  Verb& choice(std::string_view names, std::string value, Target target, std::vector<std::string> choices,
               std::string help);
  Verb& operand(std::string name, Target target, std::string help, bool required = false);
  /// The verb takes a command line: everything after `--exec` or `--`.
  Verb& command(std::vector<std::string>& target, std::string help);
  Verb& action(std::function<int(const Common&)> run);

 private:
  VerbSpec* spec_;
};

class App {
 public:
  /// `name` as in "rpx-serve"; `summary` one line without a full stop. Without a verb the first one declared is meant,
  /// also where its operands, if it takes any, look like a URL or a path; unless `default_verb` is false.
  App(std::string name, std::string summary, bool default_verb = true);
  /// An example of `--help` of the tool as a whole.
  App& example(std::string command, std::string what);
  /// Takes a common option away, such as "--config", from a tool that has no use for it. Before run().
  App& without(std::string_view long_name);
  /// `name` is one word, or two as in "ca issue".
  Verb verb(std::string name, std::string summary);

  /// Parses, prints help and usage errors, runs the verb. Returns the exit code.
  int run(int argc, const char* const* argv);

  const std::string& name() const noexcept { return name_; }

 private:
  Result<int> dispatch(std::vector<std::string> arguments);
  std::string help_for(std::string_view verb) const;
  Result<VerbSpec*> find_verb(const std::vector<std::string>& arguments, std::size_t& position);
  bool is_option(std::string_view argument) const;
  bool takes_value(std::string_view argument) const;

  std::string name_;
  std::string summary_;
  bool default_verb_;
  std::vector<Example> examples_;
  std::vector<VerbSpec> verbs_;
  std::vector<OptionSpec> common_specs_;
  Common common_;
  std::string format_;
  std::string color_;
  int verbose_ = 0;
};

/// Fills the targets of `verb` and of `common` from `arguments` (without tool and verb). Errors: kUsage, in one line.
Status parse_arguments(const VerbSpec& verb, const std::vector<OptionSpec>& common,
                       const std::vector<std::string>& arguments);

/// `tool: detail` on stderr, one line, and the exit code for it.
int report_error(std::string_view tool, const Error& error);
int report_error(std::string_view tool, ExitCode code, std::string_view detail);

}  // namespace rpx::cli
