#include <fmt/format.h>

#include <algorithm>

#include "cli/spec.h"

namespace rpx::cli {

namespace {

// Two columns: the left one as wide as its widest entry, so that help lines up whatever the names.
class Columns {
 public:
  void add(std::string left, std::string right) {
    width_ = std::max(width_, left.size());
    lines_.emplace_back(std::move(left), std::move(right));
  }
  std::string text() const {
    std::string out;
    for (const auto& [left, right] : lines_) {
      std::string line = fmt::format("  {:<{}}  {}", left, width_, right);
      line.erase(line.find_last_not_of(' ') + 1);
      out += line + '\n';
    }
    return out;
  }

 private:
  std::size_t width_ = 0;
  std::vector<std::pair<std::string, std::string>> lines_;
};

std::string label_of(const OptionSpec& option) {
  return fmt::format("{}{}{}{}", option.short_name.empty() ? "    " : option.short_name + ", ", option.long_name,
                     option.takes_value() ? " " : "", option.value);
}

std::string help_of(const OptionSpec& option) {
  if (option.choices.empty()) return option.help;
  return fmt::format("{}: {}", option.help, fmt::join(option.choices, ", "));
}

std::string examples_text(const std::vector<Example>& examples) {
  Columns columns;
  for (const Example& example : examples) {
    columns.add(example.command, example.what.empty() ? "" : "# " + example.what);
  }
  return examples.empty() ? "" : "Examples:\n" + columns.text() + '\n';
}

void add_options(Columns& columns, const std::vector<OptionSpec>& options) {
  for (const OptionSpec& option : options) columns.add(label_of(option), help_of(option));
}

std::string usage_of(std::string_view tool, const VerbSpec& verb, bool is_default) {
  std::string usage = fmt::format("Usage: {} {} [options]", tool, is_default ? "[" + verb.name + "]" : verb.name);
  for (const OperandSpec& operand : verb.operands) {
    const bool many = std::holds_alternative<std::vector<std::string>*>(operand.target);
    const std::string name = operand.name + (many ? "…" : "");
    usage += operand.required ? " " + name : " [" + name + "]";
  }
  if (verb.command != nullptr) usage += " [--exec COMMAND…]";
  return usage + '\n';
}

}  // namespace

std::string verb_help(std::string_view tool, const VerbSpec& verb, const std::vector<OptionSpec>& common,
                      bool is_default) {
  std::string out = fmt::format("{} {}: {}\n\n", tool, verb.name, verb.summary);
  out += examples_text(verb.examples);
  out += usage_of(tool, verb, is_default) + '\n';
  Columns columns;
  for (const OperandSpec& operand : verb.operands) columns.add(operand.name, operand.help);
  add_options(columns, verb.options);
  if (verb.command != nullptr) columns.add("    --exec COMMAND…", verb.command_help);
  add_options(columns, common);
  columns.add("-h, --help", "this text");
  columns.add("    --version", "name and version");
  return out + columns.text();
}

std::string tool_help(const ToolHelp& tool) {
  std::string out = fmt::format("{}: {}\n\n", tool.tool, tool.summary);
  out += examples_text(tool.examples);
  Columns verbs;
  for (const VerbSpec& verb : tool.verbs) verbs.add(verb.name, verb.summary);
  out += "Verbs:\n" + verbs.text() + '\n';
  Columns options;
  add_options(options, tool.common);
  options.add("-h, --help", "this text");
  options.add("    --version", "name and version");
  out += "Options of every verb:\n" + options.text() + '\n';
  return out + fmt::format("{} VERB --help tells about one verb; man {} tells all.\n", tool.tool, tool.tool);
}

std::string dump(const std::vector<VerbSpec>& verbs, const std::vector<OptionSpec>& common) {
  std::string out;
  const auto add_option = [&](std::string_view verb, const OptionSpec& option) {
    out += fmt::format("option {} {} {} {} {}", verb, option.long_name,
                       option.short_name.empty() ? "-" : option.short_name, option.takes_value() ? option.value : "-",
                       fmt::join(option.choices, " "));
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  };
  for (const OptionSpec& option : common) add_option("*", option);
  out += "option * --help -h -\noption * --version - -\n";
  for (const VerbSpec& verb : verbs) {
    // One word a fact: "ca issue" is ca_issue here.
    std::string name = verb.name;
    std::ranges::replace(name, ' ', '_');
    out += fmt::format("verb {}\n", name);
    for (const OptionSpec& option : verb.options) add_option(name, option);
    if (verb.command != nullptr) out += fmt::format("option {} --exec - COMMAND\n", name);
    for (const OperandSpec& operand : verb.operands) out += fmt::format("operand {} {}\n", name, operand.name);
  }
  return out;
}

}  // namespace rpx::cli
