#include "config/config.h"

#include <filesystem>

#include <fmt/format.h>

#include "config/assign.h"
#include "config/files.h"
#include "config/reader.h"
#include "config/site.h"

namespace rpx::config {
namespace {

/// One value set from outside, and what it is called in problems.
struct Assignment {
  std::string label;
  std::string path;  ///< empty: the path is in `value`, before "="
  std::string value;
};

std::string directory_of(const LoadRequest& request) {
  std::error_code failed;
  const std::string current = std::filesystem::current_path(failed).string();
  return request.base_directory.empty() ? current : absolute_path(request.base_directory, current);
}

/// The socket of a configuration that says nothing of one. In XDG_RUNTIME_DIR a user has a place of his own.
std::string standard_control(const Environment& environment) {
  for (const Key& section : kFile.keys) {
    if (section.name != "serve") continue;
    for (const Key& row : section.section->keys)
      if (row.name == "control") {
        const auto path = expand(row.standard.substr(1, row.standard.size() - 2), environment);
        return path ? *path : std::string();
      }
  }
  return {};
}

void assign_all(Tree& tree, const std::vector<Assignment>& assignments, const LoadRequest& request, Report& report) {
  const std::string directory = directory_of(request);
  for (const Assignment& assignment : assignments) {
    const Position at{report.add_source(assignment.label, directory), 0, 0};
    const auto value = expand(assignment.value, request.environment);
    if (!value)
      report.error(at, value.error());
    else if (assignment.path.empty())
      assign(tree.root, *value, at, report);
    else
      assign(tree.root, assignment.path, *value, at, report);
  }
}

std::expected<Loaded, std::vector<Problem>> load_with(const LoadRequest& request,
                                                      const std::vector<Assignment>& assignments) {
  Report report;
  Tree tree;
  if (!request.file.empty() || request.text)
    tree = read_tree(request.file, request.text, directory_of(request), request.environment, report);
  else
    report.add_source("configuration", directory_of(request));
  assign_all(tree, assignments, request, report);

  Document document;
  document.site.serve.control = standard_control(request.environment);
  Reader reader(report, request.check_files);
  reader.read_table(kFile, tree.root, &document);
  // What is missing may well be in the part that could not be read.
  if (tree.whole) check_document(reader, document, tree.root);
  if (report.errors() == 0) warn_document(reader, document);
  if (report.errors() > 0) return std::unexpected(report.take());
  return Loaded{std::move(document.site), report.take(), std::move(tree.files)};
}

std::vector<Assignment> assignments_of(const std::vector<std::string>& sets) {
  std::vector<Assignment> assignments;
  for (const std::string& set : sets) assignments.push_back({"--set " + set, {}, set});
  return assignments;
}

}  // namespace

std::expected<Loaded, std::vector<Problem>> load(const LoadRequest& request) {
  return load_with(request, assignments_of(request.sets));
}

std::expected<Loaded, std::vector<Problem>> quick(const std::vector<std::string>& listen,
                                                  const std::vector<std::string>& to,
                                                  const std::vector<std::string>& sets) {
  std::vector<Assignment> assignments;
  for (std::size_t i = 0; i < listen.size(); ++i)
    assignments.push_back({"--listen " + listen[i], fmt::format("listen[{}].address", i), listen[i]});
  if (to.size() == 1) {
    assignments.push_back({"--to " + to[0], "route[0].upstream", to[0]});
  } else if (to.size() > 1) {
    for (std::size_t i = 0; i < to.size(); ++i)
      assignments.push_back({"--to " + to[i], fmt::format("upstream.to.servers[{}]", i), to[i]});
    assignments.push_back({"--to", "route[0].upstream", "to"});
  }
  for (Assignment& set : assignments_of(sets)) assignments.push_back(std::move(set));
  return load_with({}, assignments);
}

}  // namespace rpx::config
