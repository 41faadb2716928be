// What a tool accepts, as plain values: the one table from which parsing, --help, suggestions and the dump that man
// pages and completions are compared with come. Filled by Verb's functions, on the main thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/units.h"
#include "cli/output.h"
#include "cli/terminal.h"

namespace rpx::cli {

/// Where the value of an option or operand goes. All outlive the App.
using Target =
    std::variant<bool*, int*, std::string*, std::vector<std::string>*, std::optional<int>*, std::optional<Duration>*>;

struct OptionSpec {
  std::string short_name;  ///< "-c", or empty
  std::string long_name;   ///< "--config"
  std::string value;       ///< what the value is called: "FILE"; empty for a flag
  std::string help;        ///< one line, no full stop
  Target target;
  std::vector<std::string> choices;  ///< the only values allowed; empty = any
  bool takes_value() const noexcept { return !value.empty(); }
};

struct OperandSpec {
  std::string name;  ///< "FILE"
  std::string help;
  Target target;
  bool required = false;
};

struct Example {
  std::string command;
  std::string what;
};

/// What every verb of every tool is told besides its own options.
struct Common {
  std::string config;  ///< -c as given; empty = look in the usual places
  std::string socket;  ///< --socket as given; empty = what the configuration says
  Format format = Format::kAuto;
  bool quiet = false;
  int verbose = 0;  ///< how many -v
  ColorWhen color = ColorWhen::kAuto;
  bool no_progress = false;
  std::optional<Duration> timeout;

  /// kAuto resolved: a table on a terminal, plain lines elsewhere.
  Format resolved_format() const noexcept;
};

struct VerbSpec {
  std::string name;
  std::string summary;  ///< one line, no full stop
  std::vector<Example> examples;
  std::vector<OptionSpec> options;
  std::vector<OperandSpec> operands;
  std::string command_help;  ///< non-empty when the verb takes a command after --exec or --
  std::vector<std::string>* command = nullptr;
  std::function<int(const Common&)> action;
};

/// --help of one verb, and of the tool as a whole.
std::string verb_help(std::string_view tool, const VerbSpec& verb, const std::vector<OptionSpec>& common,
                      bool is_default);
struct ToolHelp {
  std::string_view tool;
  std::string_view summary;
  const std::vector<Example>& examples;
  const std::vector<VerbSpec>& verbs;
  const std::vector<OptionSpec>& common;
};
std::string tool_help(const ToolHelp& tool);
/// One line a fact: `verb NAME`, `option NAME|* LONG SHORT|- VALUE|- [choices…]`, `operand NAME VALUE`. '*' stands for
/// all verbs.
std::string dump(const std::vector<VerbSpec>& verbs, const std::vector<OptionSpec>& common);

}  // namespace rpx::cli
