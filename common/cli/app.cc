#include "cli/app.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "base/result.h"
#include "base/text.h"
#include "cli/terminal.h"

namespace rpx::cli {

namespace {

OptionSpec make_option(std::string_view names, std::string value, Target target, std::string help) {
  OptionSpec spec{.value = std::move(value), .help = std::move(help), .target = target};
  for (const std::string_view name : split(names, ',')) {
    (name.starts_with("--") ? spec.long_name : spec.short_name) = name;
  }
  return spec;
}

bool asks_for(const std::vector<std::string>& arguments, std::string_view long_name, std::string_view short_name) {
  return std::ranges::any_of(arguments, [&](const std::string& argument) {
    return argument == long_name || (!short_name.empty() && argument == short_name);
  });
}

// Where the command line of another program begins: behind --exec or --.
std::size_t command_position(const std::vector<std::string>& arguments) {
  const auto at = std::ranges::find_if(
      arguments, [](const std::string& argument) { return argument == "--exec" || argument == "--"; });
  return static_cast<std::size_t>(at - arguments.begin());
}

}  // namespace

Format Common::resolved_format() const noexcept {
  if (format != Format::kAuto) return format;
  return stdout_is_terminal() ? Format::kTable : Format::kPlain;
}

Verb& Verb::example(std::string command, std::string what) {
  spec_->examples.push_back({std::move(command), std::move(what)});
  return *this;
}

Verb& Verb::flag(std::string_view names, bool& target, std::string help) {
  return option(names, "", &target, std::move(help));
}

Verb& Verb::option(std::string_view names, std::string value, Target target, std::string help) {
  spec_->options.push_back(make_option(names, std::move(value), target, std::move(help)));
  return *this;
}

Verb& Verb::choice(std::string_view names, std::string value, Target target, std::vector<std::string> choices,
                   std::string help) {
  option(names, std::move(value), target, std::move(help));
  spec_->options.back().choices = std::move(choices);
  return *this;
}

Verb& Verb::operand(std::string name, Target target, std::string help, bool required) {
  spec_->operands.push_back({std::move(name), std::move(help), target, required});
  return *this;
}

Verb& Verb::command(std::vector<std::string>& target, std::string help) {
  spec_->command = &target;
  spec_->command_help = std::move(help);
  return *this;
}

Verb& Verb::action(std::function<int(const Common&)> run) {
  spec_->action = std::move(run);
  return *this;
}

App::App(std::string name, std::string summary, bool default_verb)
    : name_(std::move(name)), summary_(std::move(summary)), default_verb_(default_verb) {
  VerbSpec shared;
  Verb(shared)
      .option("-c,--config", "FILE", &common_.config, "configuration file; - is stdin")
      .option("--socket", "PATH", &common_.socket, "control socket of the proxy")
      .choice("-o,--output", "FORMAT", &format_, {"table", "json", "ndjson", "csv", "plain"}, "how answers are written")
      .flag("-q,--quiet", common_.quiet, "only errors")
      .option("-v,--verbose", "", &verbose_, "tell more; twice for more still")
      .choice("--color", "WHEN", &color_, {"auto", "always", "never"}, "colours; NO_COLOR is honoured")
      .flag("--no-progress", common_.no_progress, "no progress line on a terminal")
      .option("--timeout", "DURATION", &common_.timeout, "give up after this long, as in 500ms or 10s");
  common_specs_ = std::move(shared.options);
}

App& App::example(std::string command, std::string what) {
  examples_.push_back({std::move(command), std::move(what)});
  return *this;
}

App& App::without(std::string_view long_name) {
  std::erase_if(common_specs_, [long_name](const OptionSpec& spec) { return spec.long_name == long_name; });
  return *this;
}

Verb App::verb(std::string name, std::string summary) {
  // A Verb is written out in one chain before the next is declared, so its pointer survives until then.
  VerbSpec& spec = verbs_.emplace_back();
  spec.name = std::move(name);
  spec.summary = std::move(summary);
  return Verb(spec);
}

int App::run(int argc, const char* const* argv) {
  const Result<int> done = dispatch(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
  const int code = done ? *done : report_error(name_, done.error());
  // Who closes stdout wants no answer; whoever has a full disk believes that he has it.
  if (const int error = stdout_error(); code == 0 && error != 0 && error != EBADF)
    return report_error(name_, ExitCode::kRefused, errno_text("cannot write the answer to stdout", error));
  return code;
}

// Whether any verb has an option of this name, be it "--set", "--set=a" or the "-q" of "-qv".
bool App::is_option(std::string_view argument) const {
  const std::string_view name = argument.substr(0, argument.find('='));
  const auto matches = [&](const OptionSpec& option) {
    if (name.starts_with("--")) return name == option.long_name;
    return !option.short_name.empty() && name[1] == option.short_name[1];
  };
  if (std::ranges::any_of(common_specs_, matches)) return true;
  return std::ranges::any_of(verbs_, [&](const VerbSpec& verb) { return std::ranges::any_of(verb.options, matches); });
}

// Whether the next argument is the value of this one, by any verb's options: the verb is not known yet.
bool App::takes_value(std::string_view argument) const {
  const auto matches = [&](const OptionSpec& option) {
    if (!option.takes_value()) return false;
    if (argument.starts_with("--")) return argument == option.long_name;
    return !option.short_name.empty() && argument.back() == option.short_name.back();
  };
  if (std::ranges::any_of(common_specs_, matches)) return true;
  return std::ranges::any_of(verbs_, [&](const VerbSpec& verb) { return std::ranges::any_of(verb.options, matches); });
}

Result<VerbSpec*> App::find_verb(const std::vector<std::string>& arguments, std::size_t& position) {
  std::size_t at = 0;
  while (at < arguments.size() && arguments[at].size() > 1 && arguments[at].front() == '-') {
    at += takes_value(arguments[at]) ? 2 : 1;
  }
  position = std::min(at, arguments.size());
  if (position == arguments.size()) {
    if (default_verb_) return &verbs_.front();
    return self_error(ErrorKind::kUsage, fmt::format("which verb? See {} --help", name_));
  }
  std::vector<std::string_view> known;
  std::string pair = arguments[position];
  if (position + 1 < arguments.size()) pair += ' ' + arguments[position + 1];
  std::string_view family;
  for (VerbSpec& verb : verbs_) {
    if (verb.name == arguments[position] || verb.name == pair) return &verb;
    if (verb.name.starts_with(arguments[position] + ' ')) family = verb.name;
    known.push_back(verb.name);
  }
  if (!family.empty())
    return self_error(ErrorKind::kUsage,
                      fmt::format("{} what? As in \"{}\"; see {} --help", arguments[position], family, name_));
  // No verb has such a name, but operands do.
  if (default_verb_ && !verbs_.front().operands.empty() &&
      arguments[position].find_first_of(":/.") != std::string::npos) {
    position = arguments.size();
    return &verbs_.front();
  }
  // What looks like a verb may be the value of an option nobody knows: then that is what to tell.
  const auto stray = std::find_if(arguments.begin(), arguments.begin() + static_cast<std::ptrdiff_t>(position),
                                  [this](const std::string& one) { return one.starts_with('-') && !is_option(one); });
  if (default_verb_ && stray != arguments.begin() + static_cast<std::ptrdiff_t>(position)) {
    position = arguments.size();
    return &verbs_.front();
  }
  const std::string_view near = did_you_mean(arguments[position], known);
  const std::string hint =
      near.empty() ? fmt::format("see {} --help", name_) : fmt::format("did you mean \"{}\"?", near);
  return self_error(ErrorKind::kUsage, fmt::format("unknown verb \"{}\"; {}", arguments[position], hint));
}

std::string App::help_for(std::string_view verb) const {
  for (const VerbSpec& spec : verbs_) {
    if (spec.name == verb) return verb_help(name_, spec, common_specs_, default_verb_ && &spec == &verbs_.front());
  }
  return tool_help({name_, summary_, examples_, verbs_, common_specs_});
}

Result<int> App::dispatch(std::vector<std::string> arguments) {
  const std::size_t cut = command_position(arguments);
  const std::vector<std::string> before(arguments.begin(), arguments.begin() + static_cast<std::ptrdiff_t>(cut));
  if (asks_for(before, "--version", "")) {
    write_stdout(fmt::format("{} {}\n", name_, RPX_VERSION));
    return 0;
  }
  if (asks_for(before, "--dump-options", "")) {
    write_stdout(dump(verbs_, common_specs_));
    return 0;
  }
  std::size_t position = 0;
  const bool help = asks_for(before, "--help", "-h");
  auto found = find_verb(before, position);
  if (help) {
    const bool named = found && position < before.size();
    write_stdout(help_for(named ? std::string_view((*found)->name) : std::string_view()));
    return 0;
  }
  RPX_TRY(VerbSpec * verb, std::move(found));

  std::vector<std::string> rest = before;
  if (position < rest.size()) {
    const auto begin = rest.begin() + static_cast<std::ptrdiff_t>(position);
    rest.erase(begin, begin + (verb->name.find(' ') == std::string::npos ? 1 : 2));
  }
  if (verb->command != nullptr && cut < arguments.size()) {
    verb->command->assign(arguments.begin() + static_cast<std::ptrdiff_t>(cut) + 1, arguments.end());
    if (verb->command->empty()) {
      return self_error(ErrorKind::kUsage, fmt::format("{} needs a command after it", arguments[cut]));
    }
  } else {
    rest.insert(rest.end(), arguments.begin() + static_cast<std::ptrdiff_t>(cut), arguments.end());
  }
  RPX_TRY_VOID(parse_arguments(*verb, common_specs_, rest));
  common_.verbose = verbose_;
  if (!format_.empty()) common_.format = *parse_format(format_);
  if (color_ == "always") common_.color = ColorWhen::kAlways;
  if (color_ == "never") common_.color = ColorWhen::kNever;
  return verb->action(common_);
}

int report_error(std::string_view tool, ExitCode code, std::string_view detail) {
  write_stderr(fmt::format("{}: {}\n", tool, detail));
  return to_int(code);
}

int report_error(std::string_view tool, const Error& error) {
  return report_error(tool, exit_code_of(error.kind), error.detail);
}

}  // namespace rpx::cli
