#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/result.h"
#include "base/text.h"
#include "cli/app.h"

namespace rpx::cli {

namespace {

CLI::Option* declare(CLI::App& parser, const std::string& names, const OptionSpec& option) {
  struct Visitor {
    CLI::App& parser;
    const std::string& names;
    const OptionSpec& option;
    CLI::Option* operator()(bool* target) const { return parser.add_flag(names, *target); }
    CLI::Option* operator()(int* target) const {
      return option.takes_value() ? parser.add_option(names, *target) : parser.add_flag(names, *target);
    }
    CLI::Option* operator()(std::string* target) const { return parser.add_option(names, *target); }
    CLI::Option* operator()(std::vector<std::string>* target) const {
      // One value each time the option is given, however many times; operands take all that are left.
      auto* added = parser.add_option(names, *target);
      return names.starts_with('-') ? added->allow_extra_args(false) : added;
    }
    CLI::Option* operator()(std::optional<int>* target) const {
      return parser.add_option_function<int>(names, [target](const int& value) { *target = value; });
    }
    CLI::Option* operator()(std::optional<Duration>* target) const {
      return parser.add_option_function<std::string>(names, [target, name = option.long_name](const std::string& text) {
        const auto value = parse_duration(text);
        if (!value)
          throw CLI::ValidationError(name, fmt::format("\"{}\" is no duration; write 500ms, 10s or 2m", text));
        *target = *value;
      });
    }
  };
  return std::visit(Visitor{parser, names, option}, option.target);
}

void declare_all(CLI::App& parser, const std::vector<OptionSpec>& options) {
  for (const OptionSpec& option : options) {
    const std::string names = option.short_name.empty() ? option.long_name : option.short_name + "," + option.long_name;
    declare(parser, names, option);
  }
}

void declare_operands(CLI::App& parser, const std::vector<OperandSpec>& operands) {
  for (const OperandSpec& operand : operands) {
    const OptionSpec as_option{.long_name = operand.name, .value = operand.name, .target = operand.target};
    declare(parser, operand.name, as_option);
  }
}

Status check_choices(const std::vector<OptionSpec>& options) {
  for (const OptionSpec& option : options) {
    const auto* held = std::get_if<std::string*>(&option.target);
    if (option.choices.empty() || held == nullptr || (*held)->empty()) continue;
    if (std::ranges::find(option.choices, **held) != option.choices.end()) continue;
    const std::vector<std::string_view> known(option.choices.begin(), option.choices.end());
    const std::string_view near = did_you_mean(**held, known);
    const std::string hint = near.empty() ? fmt::format("it is one of {}", fmt::join(option.choices, ", "))
                                          : fmt::format("did you mean \"{}\"?", near);
    return self_error(ErrorKind::kUsage, fmt::format("{} \"{}\" is not known; {}", option.long_name, **held, hint));
  }
  return {};
}

Error unexpected_argument(const VerbSpec& verb, const std::vector<OptionSpec>& common,
                          const std::vector<std::string>& extras) {
  // An operand may be the value of an option that is not known: the option is what to tell.
  const auto stray = std::ranges::find_if(extras, [](const auto& one) { return one.size() > 1 && one[0] == '-'; });
  std::string argument = stray == extras.end() ? extras.front() : *stray;
  if (!argument.starts_with('-') || argument == "-") {
    return {ErrorKind::kUsage, Side::kSelf, fmt::format("{} takes no operand \"{}\"", verb.name, argument)};
  }
  argument.resize(std::min(argument.size(), argument.find('=')));
  std::vector<std::string_view> known{"--help", "--version"};
  for (const auto* options : {&verb.options, &common}) {
    for (const OptionSpec& spec : *options) known.push_back(spec.long_name);
  }
  if (verb.command != nullptr) known.push_back("--exec");
  const std::string_view near = did_you_mean(argument, known);
  const std::string hint =
      near.empty() ? std::string("--help lists what there is") : fmt::format("did you mean \"{}\"?", near);
  return {ErrorKind::kUsage, Side::kSelf, fmt::format("unknown option \"{}\" of {}; {}", argument, verb.name, hint)};
}

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

Status check_required(const CLI::App& parser, const VerbSpec& verb) {
  for (const OperandSpec& operand : verb.operands) {
    if (operand.required && parser.get_option(operand.name)->empty()) {
      return self_error(ErrorKind::kUsage, fmt::format("{} needs {}: {}", verb.name, operand.name, operand.help));
    }
  }
  return {};
}

}  // namespace

Status parse_arguments(const VerbSpec& verb, const std::vector<OptionSpec>& common,
                       const std::vector<std::string>& arguments) {
  CLI::App parser;
  try {
    parser.set_help_flag();
    parser.allow_extras();
    declare_all(parser, verb.options);
    declare_all(parser, common);
    declare_operands(parser, verb.operands);
    // CLI11 takes the arguments as a stack.
    parser.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    const std::vector<std::string> extras = parser.remaining();
    if (!extras.empty()) return std::unexpected(unexpected_argument(verb, common, extras));
    RPX_TRY_VOID(check_required(parser, verb));
  } catch (const CLI::Error& error) {
    return self_error(ErrorKind::kUsage, one_line(error.what()));
  }
  RPX_TRY_VOID(check_choices(verb.options));
  return check_choices(common);
}

}  // namespace rpx::cli
