// export and import: what a cache holds, as a file.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>

#include "base/result.h"
#include "cache/disk_entry.h"
#include "cache/disk_log.h"
#include "cache/disk_replay.h"
#include "cache/key.h"
#include "cache/snapshot.h"
#include "control/json.h"
#include "net/fd.h"
#include "stores.h"
#include "verbs.h"

namespace rpx::cache_tool {
namespace {

struct SnapshotOptions {
  std::string file;
  std::string cache;
  std::string folder;
  std::string size = "10GiB";
};

constexpr std::size_t kPart = std::size_t{8} << 20U;

std::unexpected<Error> file_error(const std::string& file, std::string_view call) {
  return self_error(ErrorKind::kIo, fmt::format("{}: {}", file, errno_text(call, errno)));
}

// A file that is there whole or not at all; "-" is stdout.
class Output {
 public:
  static Result<Output> open(const std::string& file) {
    Output out;
    out.file_ = file;
    if (file == "-") return out;
    out.temporary_ = fmt::format("{}.{}.new", file, ::getpid());
    out.fd_ = net::UniqueFd(::open(out.temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!out.fd_) return file_error(file, "create");
    return out;
  }
  Output(Output&&) = default;
  Output& operator=(Output&&) = default;
  ~Output() {
    if (fd_) ::unlink(temporary_.c_str());
  }

  Status write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(fd_ ? fd_.get() : STDOUT_FILENO, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return file_error(file_, "write");
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
  }
  Status finish() {
    if (!fd_) return {};
    if (::fsync(fd_.get()) != 0) return file_error(file_, "sync");
    if (std::rename(temporary_.c_str(), file_.c_str()) != 0) return file_error(file_, "rename");
    fd_.reset();
    return {};
  }

 private:
  Output() = default;
  std::string file_;
  std::string temporary_;
  net::UniqueFd fd_;
};

// Reads `file` piece by piece; "-" is stdin.
template <class Take>
Status each_piece(const std::string& file, Take take) {
  const net::UniqueFd fd(file == "-" ? ::dup(STDIN_FILENO) : ::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return self_error(ErrorKind::kUsage, fmt::format("{}: {}", file, errno_text("open", errno)));
  std::string buffer(std::size_t{1} << 20U, '\0');
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(file, "read");
    if (got == 0) return {};
    RPX_TRY_VOID(take(std::string_view(buffer).substr(0, static_cast<std::size_t>(got))));
  }
}

Result<Object> the_store(const control::Client& proxy, const std::string& cache) {
  RPX_TRY(std::vector<Object> stores, ask_stores(proxy, cache));
  if (stores.size() != 1)
    return self_error(ErrorKind::kUsage, fmt::format("the proxy has {} caches; say --cache NAME", stores.size()));
  return stores.front();
}

// What the proxy says is stored, part by part.
Result<std::uint64_t> export_from_proxy(const SnapshotOptions& options, const cli::Common& common, Output& output) {
  RPX_TRY(const control::Client proxy, serve::find_proxy(common));
  RPX_TRY(const Object store, the_store(proxy, options.cache));
  std::uint64_t count = 0;
  std::uint64_t cursor = 0;
  do {
    RPX_TRY(const std::string part,
            serve::ask(proxy, "GET", call_of(store, fmt::format("snapshot?cursor={}", cursor))));
    cache::SnapshotReader reader(false);
    reader.feed(part);
    for (;;) {
      RPX_TRY(const auto object, reader.next());
      if (!object) break;
      RPX_TRY_VOID(output.write(object->record));
      ++count;
    }
    if (!reader.ended()) return self_error(ErrorKind::kBadResponse, "the proxy's answer was cut short");
    cursor = reader.count();
  } while (cursor != 0);
  return count;
}

Result<std::uint64_t> export_from_folder(const std::string& folder, Output& output) {
  cache::DiskIndex index;
  RPX_TRY(const cache::DiskSurvey survey, cache::survey(folder, index, false));
  for (const cache::DiskFault& fault : survey.faults)
    cli::write_stderr(fmt::format("{}: {}/{}: {}\n", kTool, folder, fault.file, fault.what));
  std::uint64_t count = 0;
  Status done;
  index.each({}, [&](cache::DiskObject& object) {
    const auto head_bytes = cache::read_place(object.head);
    const auto body = cache::read_place(object.body);
    auto head = head_bytes && body ? cache::unpack_head(*head_bytes) : std::nullopt;
    if (!head) {
      cli::write_stderr(fmt::format("{}: {}: it is damaged, and left out\n", kTool, cache::url_in(object.brief)));
      return false;
    }
    head->outdated = head->outdated || object.outdated;
    if (done) done = output.write(cache::snapshot_object(*head, *body));
    if (done) ++count;
    return false;
  });
  RPX_TRY_VOID(std::move(done));
  return count;
}

Result<int> export_objects(const SnapshotOptions& options, const cli::Common& common) {
  RPX_TRY(Output output, Output::open(options.file));
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  RPX_TRY_VOID(output.write(cache::snapshot_begin(
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count()))));
  Result<std::uint64_t> count =
      options.folder.empty() ? export_from_proxy(options, common, output) : export_from_folder(options.folder, output);
  if (!count) return std::unexpected(std::move(count).error());
  RPX_TRY_VOID(output.write(cache::snapshot_end(*count)));
  RPX_TRY_VOID(output.finish());
  if (!common.quiet && options.file != "-") cli::write_stdout(fmt::format("{} objects\n", *count));
  return 0;
}

// Where the objects of a snapshot go.
class Target {
 public:
  virtual ~Target() = default;
  virtual Status take(cache::SnapshotReader::Object object) = 0;
  virtual Status finish() { return {}; }
  std::uint64_t stored = 0;
  std::uint64_t refused = 0;
};

class ToProxy final : public Target {
 public:
  ToProxy(control::Client proxy, Object store) : proxy_(std::move(proxy)), store_(std::move(store)) {}
  Status take(cache::SnapshotReader::Object object) override {
    part_ += object.record;
    return part_.size() >= kPart ? send() : Status{};
  }
  Status finish() override { return part_.empty() ? Status{} : send(); }

 private:
  Status send() {
    part_ += cache::snapshot_end(0);
    RPX_TRY(const control::Answer answer,
            proxy_.ask("POST", call_of(store_, "snapshot"), part_, "application/octet-stream"));
    part_.clear();
    RPX_TRY(const Object told, serve::parse_object(answer.body));
    if (answer.status != 200)
      return self_error(ErrorKind::kInternal, "the proxy refused: " + serve::text_of(*told, "detail"));
    stored += serve::number_of(*told, "stored");
    refused += serve::number_of(*told, "refused");
    return {};
  }

  control::Client proxy_;
  Object store_;
  std::string part_;
};

class ToFolder final : public Target {
 public:
  Status open(const std::string& folder, std::uint64_t size) {
    log_.set_size(size);
    if (const Status opened = log_.open(folder); !opened)
      return self_error(ErrorKind::kIo, fmt::format("{}: {}", folder, opened.error().detail));
    return {};
  }
  Status take(cache::SnapshotReader::Object object) override {
    const cache::EntryPtr entry = cache::entry_of(object.head, std::move(object.body), {});
    for (const cache::DiskObject& there : index_.find(cache::key_hash(entry->key())))
      if (there.variant == cache::variant_of(entry->vary()) && there.answered > entry->times().answered) {
        ++refused;
        return {};
      }
    const std::uint64_t before = counters_.written;
    RPX_TRY_VOID(log_.put(*entry));
    ++(counters_.written > before ? stored : refused);
    return {};
  }

 private:
  cache::DiskIndex index_;
  cache::DiskCounters counters_;
  cache::DiskLog log_{index_, counters_, {}};
};

Result<std::unique_ptr<Target>> target_of(const SnapshotOptions& options, const cli::Common& common) {
  if (options.folder.empty()) {
    RPX_TRY(control::Client proxy, serve::find_proxy(common));
    RPX_TRY(Object store, the_store(proxy, options.cache));
    return std::make_unique<ToProxy>(std::move(proxy), std::move(store));
  }
  const auto size = parse_size(options.size);
  if (!size || *size == 0)
    return self_error(ErrorKind::kUsage, fmt::format("--size {}: expected a size such as 10GiB", options.size));
  auto out = std::make_unique<ToFolder>();
  RPX_TRY_VOID(out->open(options.folder, *size));
  return out;
}

Result<int> import_objects(const SnapshotOptions& options, const cli::Common& common) {
  RPX_TRY(const std::unique_ptr<Target> target, target_of(options, common));
  cache::SnapshotReader reader(true);
  RPX_TRY_VOID(each_piece(options.file, [&](std::string_view piece) -> Status {
    reader.feed(piece);
    for (;;) {
      auto object = reader.next();
      if (!object)
        // What is wrong with it is refused, not asked in a wrong way.
        return self_error(ErrorKind::kIo, fmt::format("{}: {}", options.file, object.error().detail));
      if (!*object) return {};
      RPX_TRY_VOID(target->take(std::move(**object)));
    }
  }));
  RPX_TRY_VOID(target->finish());
  if (!reader.ended() || reader.count() != reader.read())
    return self_error(ErrorKind::kIo,
                      fmt::format("{}: it was cut short; {} objects were stored", options.file, target->stored));
  if (!common.quiet)
    cli::write_stdout(fmt::format("{} objects stored, {} not: a later one was there, or it was too large\n",
                                  target->stored, target->refused));
  return 0;
}

}  // namespace

void add_export(cli::App& app) {
  auto options = std::make_shared<SnapshotOptions>();
  cli::Verb verb = app.verb("export", "write what is stored to a snapshot");
  verb.example("rpx-cache export warm.snapshot", "of the proxy that runs")
      .example("rpx-cache export --folder /var/cache/rpx warm.snapshot", "of a disk store, without a proxy")
      .operand("FILE", &options->file, "the snapshot; - is stdout", true)
      .option("--folder", "FOLDER", &options->folder, "read this folder of a disk store instead of asking a proxy")
      .action(action_of(options, export_objects, kTool));
  add_cache_option(verb, options->cache);
}

void add_import(cli::App& app) {
  auto options = std::make_shared<SnapshotOptions>();
  cli::Verb verb = app.verb("import", "store what a snapshot holds; what is stored and later stays");
  verb.example("rpx-cache import warm.snapshot", "into the proxy that runs")
      .example("rpx-cache import --folder /var/cache/rpx warm.snapshot", "into a disk store that no proxy uses")
      .operand("FILE", &options->file, "the snapshot; - is stdin", true)
      .option("--folder", "FOLDER", &options->folder, "write this folder of a disk store instead of asking a proxy")
      .option("--size", "SIZE", &options->size, "with --folder: what its files may take together; default 10GiB")
      .action(action_of(options, import_objects, kTool));
  add_cache_option(verb, options->cache);
}

}  // namespace rpx::cache_tool
