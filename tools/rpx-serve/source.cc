#include "source.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "base/result.h"
#include "cli/terminal.h"
#include "config/files.h"

namespace rpx::serve {

namespace {

constexpr std::array<const char*, 2> kPlaces = {"rpx.toml", "/etc/rpx/rpx.toml"};

// The file -c names, or the first of the usual ones; empty when there is none.
std::string find_file(const cli::Common& common) {
  if (!common.config.empty()) return common.config;
  if (const char* named = std::getenv("RPX_CONFIG"); named != nullptr && *named != '\0') return named;
  for (const char* place : kPlaces) {
    if (::access(place, F_OK) == 0) return place;
  }
  return {};
}

std::string read_stdin() { return {std::istreambuf_iterator<char>(std::cin), {}}; }

std::string absolute(const std::string& path) {
  std::error_code failed;
  return std::filesystem::absolute(path, failed).lexically_normal().string();
}

// The serve.control of a file, even of one that is wrong in other places: reload and stop must find the proxy.
std::string control_of(const std::string& file) {
  config::Report report;
  const std::string here = std::filesystem::current_path().string();
  const config::Tree tree = config::read_tree(file, std::nullopt, here, config::process_environment, report);
  const config::Entry* serve = tree.root.find("serve");
  const config::Entry* control = serve == nullptr ? nullptr : serve->node.find("control");
  if (control == nullptr || control->node.text.empty()) return {};
  return config::absolute_path(control->node.text, report.source(control->node.at.source).directory);
}

std::vector<config::Problem> one_problem(std::string file, std::string message) {
  std::vector<config::Problem> problems(1);
  problems[0].file = std::move(file);
  problems[0].message = std::move(message);
  return problems;
}

}  // namespace

Result<Source> Source::from_file(const cli::Common& common, std::vector<std::string> sets) {
  Source source;
  source.request_.file = find_file(common);
  source.request_.sets = std::move(sets);
  if (source.request_.file.empty()) {
    return self_error(
        ErrorKind::kUsage,
        fmt::format("no configuration: $RPX_CONFIG is not set and there is neither {} nor {}; pass -c FILE, "
                    "or try rpx-serve --listen :8080 --to http://127.0.0.1:3000",
                    kPlaces[0], kPlaces[1]));
  }
  if (source.request_.file == "-") source.request_.text = read_stdin();
  return source;
}

Source Source::from_arguments(std::vector<std::string> listen, std::vector<std::string> to,
                              std::vector<std::string> sets) {
  Source source;
  source.quick_ = true;
  source.listen_ = std::move(listen);
  if (source.listen_.empty()) source.listen_.emplace_back("127.0.0.1:0");
  source.to_ = std::move(to);
  source.request_.sets = std::move(sets);
  return source;
}

Source Source::from_text(std::string name, std::string text) {
  Source source;
  source.request_.file = std::move(name);
  source.request_.text = std::move(text);
  return source;
}

std::expected<config::Loaded, std::vector<config::Problem>> Source::load() const {
  return quick_ ? config::quick(listen_, to_, request_.sets) : config::load(request_);
}

std::expected<config::Loaded, std::vector<config::Problem>> Source::load_again() const {
  if (quick_)
    return std::unexpected(one_problem("", "the configuration came from the command line; nothing to read again"));
  if (request_.text) {
    return std::unexpected(one_problem(request_.file, "the configuration came from a stream; nothing to read again"));
  }
  return load();
}

std::expected<config::Loaded, std::vector<config::Problem>> Source::load_text(std::string text) const {
  config::LoadRequest request = request_;
  if (request.file.empty()) request.file = "rpx.toml";
  const std::string parent = std::filesystem::path(request.file).parent_path().string();
  if (request.file != "-" && !parent.empty()) request.base_directory = absolute(parent);
  request.text = std::move(text);
  return config::load(request);
}

std::string Source::path() const { return request_.file.empty() || request_.text ? "" : absolute(request_.file); }

std::string default_socket() {
  const auto loaded = config::quick({"127.0.0.1:0"}, {"http://127.0.0.1:1"});
  return loaded ? loaded->options.serve.control : std::string();
}

Result<std::string> find_socket(const cli::Common& common) {
  if (!common.socket.empty()) return absolute(common.socket);
  const std::string file = find_file(common);
  if (file == "-")
    return self_error(ErrorKind::kUsage, "stdin does not tell where a proxy listens; pass --socket PATH");
  if (!file.empty()) {
    if (::access(file.c_str(), R_OK) != 0) {
      return self_error(ErrorKind::kUsage, fmt::format("{}: {}; pass --socket PATH", file, errno_text("open", errno)));
    }
    std::string control = control_of(file);
    if (!control.empty()) return control;
  }
  return default_socket();
}

bool print_problems(const std::vector<config::Problem>& problems) {
  cli::write_stderr(config::render(problems));
  return std::ranges::any_of(problems, [](const config::Problem& problem) { return !problem.warning; });
}

}  // namespace rpx::serve
