#include "config/files.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <expected>
#include <filesystem>
#include <unordered_set>

#include <fmt/format.h>

#include "config/parse.h"

namespace rpx::config {
namespace {

std::string reason(int code) { return std::error_code(code, std::generic_category()).message(); }

/// The contents of an open file. Error: what is wrong, one line.
std::expected<std::string, std::string> contents_of(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return std::unexpected("cannot read: " + reason(errno));
  if (S_ISDIR(status.st_mode)) return std::unexpected("is a directory, not a file");
  std::string text;
  const std::string too_large = fmt::format("is larger than {} MiB", kMostFileBytes / 1024 / 1024);
  if (S_ISREG(status.st_mode) && static_cast<std::size_t>(status.st_size) > kMostFileBytes)
    return std::unexpected(too_large);
  char buffer[64 * 1024];
  while (true) {
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count == 0) return text;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected("cannot read: " + reason(errno));
    text.append(buffer, static_cast<std::size_t>(count));
    if (text.size() > kMostFileBytes) return std::unexpected(too_large);
  }
}

std::expected<std::string, std::string> read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);  // NOLINT(cppcoreguidelines-pro-type-vararg)
  if (fd < 0) return std::unexpected("cannot read: " + reason(errno));
  auto text = contents_of(fd);
  ::close(fd);
  return text;
}

/// The same file under any of its names.
std::string identity_of(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path canonical = std::filesystem::weakly_canonical(path, ignored);
  return canonical.empty() ? path : canonical.string();
}

bool is_pattern(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

/// Paths that match, sorted; `pattern` itself where it holds no wildcard.
std::vector<std::string> matches_of(const std::string& pattern) {
  if (!is_pattern(pattern)) return {pattern};
  std::vector<std::string> paths;
  glob_t found{};
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return paths;
}

/// Adds the sections and items of `from` to `to`. A key both have is kept twice: the reader names both places.
void merge(Node& to, Node&& from) {
  for (Entry& entry : from.entries) {
    Node* same = nullptr;
    for (Entry& candidate : to.entries)
      if (candidate.name == entry.name && candidate.node.kind == entry.node.kind) same = &candidate.node;
    if (same != nullptr && entry.node.kind == NodeKind::kTable)
      std::move(entry.node.entries.begin(), entry.node.entries.end(), std::back_inserter(same->entries));
    else if (same != nullptr && entry.node.kind == NodeKind::kList)
      std::move(entry.node.items.begin(), entry.node.items.end(), std::back_inserter(same->items));
    else
      to.entries.push_back(std::move(entry));
  }
}

class FileReader {
 public:
  FileReader(const Environment& environment, Report& report) : environment_(environment), report_(report) {}

  /// The tree of one source and of what it includes. `path` is absolute, or empty for text that is in no file.
  Node read(std::uint32_t source, const std::string& path) {
    std::optional<Node> root = parse(report_.source(source).text, source, report_);
    if (!root) {
      tree_.whole = false;
      return {};
    }
    expand_tree(*root, environment_, report_);
    const std::string identity = path.empty() ? std::string() : identity_of(path);
    open_.push_back({identity, report_.source(source).name});
    if (!identity.empty()) seen_.insert(identity);
    follow_includes(*root);
    open_.pop_back();
    return *std::move(root);
  }

  Tree take(Node root) {
    tree_.root = std::move(root);
    return std::move(tree_);
  }
  void add_file(const std::string& path) { tree_.files.push_back(path); }
  void fail(const Position& at, std::string message) {
    tree_.whole = false;
    report_.error(at, std::move(message));
  }

 private:
  struct Open {
    std::string identity;
    std::string name;
  };

  void follow_includes(Node& root) {
    for (std::size_t i = 0; i < root.entries.size(); ++i) {
      if (root.entries[i].name != "include") continue;
      const Node list = std::move(root.entries[i].node);
      root.entries.erase(root.entries.begin() + static_cast<std::ptrdiff_t>(i));
      if (list.kind != NodeKind::kList)
        return fail(list.at, R"("include" must be a list of files such as ["conf.d/*.toml"], not )" +
                                 std::string(name_of(list.kind)));
      for (const Node& item : list.items) include(root, item);
      return;
    }
  }

  void include(Node& root, const Node& item) {
    if (item.kind != NodeKind::kText || item.text.empty())
      return fail(item.at, R"("include" must be a list of files such as ["conf.d/*.toml"])");
    const std::string directory = report_.source(item.at.source).directory;
    const std::string pattern = absolute_path(item.text, directory);
    for (const std::string& path : matches_of(pattern)) include_file(root, item, path);
  }

  void include_file(Node& root, const Node& item, const std::string& path) {
    const std::string identity = identity_of(path);
    for (std::size_t i = 0; i < open_.size(); ++i) {
      if (open_[i].identity != identity) continue;
      std::string chain;
      for (std::size_t j = i; j < open_.size(); ++j) chain += open_[j].name + " -> ";
      return fail(item.at, fmt::format("files include each other: {}{}", chain, open_[i].name));
    }
    const std::string name = shown_name(item, path);
    if (!seen_.insert(identity).second)
      return fail(item.at, fmt::format("include {}: it is included twice", in_quotes(name)));
    auto text = read_file(path);
    if (!text) return fail(item.at, fmt::format("include {}: {}", in_quotes(name), text.error()));
    add_file(path);
    const std::uint32_t source =
        report_.add_source(name, std::filesystem::path(path).parent_path().string(), *std::move(text));
    merge(root, read(source, path));
  }

  /// `path` as whoever wrote the include would call it: relative to where the including file was named from.
  std::string shown_name(const Node& item, const std::string& path) const {
    if (item.text.starts_with('/')) return path;
    const Report::Source& from = report_.source(item.at.source);
    const std::string relative = std::filesystem::path(path).lexically_relative(from.directory).string();
    const std::filesystem::path parent = std::filesystem::path(from.name).parent_path();
    return (parent / relative).lexically_normal().string();
  }

  const Environment& environment_;
  Report& report_;
  Tree tree_;
  std::vector<Open> open_;  // the chain of files being read
  std::unordered_set<std::string> seen_;
};

}  // namespace

std::string absolute_path(std::string_view path, const std::string& directory) {
  return (std::filesystem::path(directory) / path).lexically_normal().string();
}

Tree read_tree(const std::string& file, const std::optional<std::string>& text, const std::string& directory,
               const Environment& environment, Report& report) {
  FileReader reader(environment, report);
  if (text) {
    const std::uint32_t source = report.add_source(file == "-" || file.empty() ? "stdin" : file, directory, *text);
    if (text->size() <= kMostFileBytes) return reader.take(reader.read(source, {}));
    reader.fail({source, 0, 0}, fmt::format("is larger than {} MiB", kMostFileBytes / 1024 / 1024));
    return reader.take({});
  }
  std::error_code failed;
  const std::string path = absolute_path(file, std::filesystem::current_path(failed).string());
  auto contents = read_file(path);
  const std::uint32_t source =
      report.add_source(file, std::filesystem::path(path).parent_path().string(), contents ? std::move(*contents) : "");
  if (!contents) {
    reader.fail({source, 0, 0}, std::move(contents).error());
    return reader.take({});
  }
  reader.add_file(path);
  return reader.take(reader.read(source, path));
}

}  // namespace rpx::config
