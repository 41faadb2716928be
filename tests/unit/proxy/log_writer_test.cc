#include "proxy/log_writer.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "base/log.h"
#include "support/temp_folder.h"

namespace rpx::proxy {
namespace {

std::unique_ptr<LogWriter> open(const std::string& target) {
  auto writer = LogWriter::open(target);
  if (!writer) FAIL(writer.error().detail);
  return *std::move(writer);
}

/// No event reaches the terminal while it lives.
class Quiet {
 public:
  Quiet() {
    set_log_sink([](LogLevel, std::string_view, std::initializer_list<LogField>) { ++events(); }, LogLevel::kWarning);
    events() = 0;
  }
  ~Quiet() {
    set_log_sink([](LogLevel, std::string_view, std::initializer_list<LogField>) {}, LogLevel::kWarning);
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
  static std::atomic<int>& events() {
    static std::atomic<int> count;
    return count;
  }
};

TEST_CASE("log writer: appends what it is given, and at its end what is left", "[proxy]") {
  const test::TempFolder folder;
  std::ofstream(folder.file("a.log")) << "before\n";
  {
    const auto writer = open(folder.file("a.log"));
    writer->write("one\n");
    writer->write("");
    writer->flush();
    CHECK(folder.text("a.log") == "before\none\n");
    for (int i = 0; i < 200; ++i) writer->write("more\n");
  }
  CHECK(folder.text("a.log").size() == 11 + 200 * 5);
}

TEST_CASE("log writer: a new file is for the owner to write and the group to read", "[proxy]") {
  const test::TempFolder folder;
  const auto writer = open(folder.file("a.log"));
  struct stat facts{};
  REQUIRE(::stat(folder.file("a.log").c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0137) == 0);
}

TEST_CASE("log writer: lines of several threads do not mix", "[proxy]") {
  const test::TempFolder folder;
  {
    const auto writer = open(folder.file("a.log"));
    std::vector<std::jthread> threads;
    for (char name = 'a'; name <= 'd'; ++name)
      threads.emplace_back([&writer, name] {
        for (int i = 0; i < 200; ++i) writer->write(std::string(100, name) + "\n" + std::string(100, name) + "\n");
      });
  }
  const std::string text = folder.text("a.log");
  REQUIRE(text.size() == 4 * 400 * 101);
  for (std::size_t i = 0; i < text.size(); i += 101) REQUIRE(text.substr(i, 101) == std::string(100, text[i]) + "\n");
}

TEST_CASE("log writer: a file that was moved away is opened again when asked", "[proxy]") {
  const test::TempFolder folder;
  const auto writer = open(folder.file("a.log"));
  writer->write("one\n");
  writer->flush();
  std::filesystem::rename(folder.file("a.log"), folder.file("a.log.1"));
  writer->reopen();
  writer->flush();
  CHECK(std::filesystem::exists(folder.file("a.log")));
  writer->write("two\n");
  writer->flush();
  CHECK(folder.text("a.log.1") == "one\n");
  CHECK(folder.text("a.log") == "two\n");
}

TEST_CASE("log writer: a file that was moved away is noticed by the first write", "[proxy]") {
  const test::TempFolder folder;
  const auto writer = open(folder.file("a.log"));
  std::filesystem::rename(folder.file("a.log"), folder.file("a.log.1"));
  writer->write("one\n");
  writer->flush();
  CHECK(folder.text("a.log") == "one\n");
}

TEST_CASE("log writer: the old file stays in use when the new one cannot be opened", "[proxy]") {
  const Quiet quiet;
  const test::TempFolder folder;
  std::filesystem::create_directory(folder.file("logs"));
  const auto writer = open(folder.file("logs/a.log"));
  std::filesystem::rename(folder.file("logs"), folder.file("gone"));
  writer->reopen();
  writer->flush();
  writer->write("one\n");
  writer->flush();
  CHECK(folder.text("gone/a.log") == "one\n");
  CHECK(Quiet::events() >= 1);
  CHECK(writer->dropped() == 0);
}

TEST_CASE("log writer: what cannot be opened is an error", "[proxy]") {
  const test::TempFolder folder;
  const auto missing = LogWriter::open(folder.file("none/a.log"));
  REQUIRE_FALSE(missing);
  CHECK(missing.error().kind == ErrorKind::kIo);
  CHECK(missing.error().detail == "cannot open log \"" + folder.file("none/a.log") + "\": No such file or directory");
  CHECK_FALSE(LogWriter::open(folder.file("")));
}

TEST_CASE("log writer: a full disk loses lines, counts them, tells it once, and goes on", "[proxy]") {
  const Quiet quiet;
  const auto writer = open("/dev/full");
  for (int i = 0; i < 3; ++i) {
    writer->write("one\ntwo\n");
    writer->flush();
  }
  CHECK(writer->dropped() == 6);
  CHECK(Quiet::events() == 1);
}

TEST_CASE("log writer: a line cut short by a full disk spoils no other", "[proxy]") {
  const Quiet quiet;
  const test::TempFolder folder;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto writer = open(folder.file("a.log"));
  writer->write("start\n");
  writer->flush();
  // The limit on the size of files is the disk that fills up; its signal goes to nobody.
  const auto old = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{16, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  writer->write("one\ntwo three\nfour\n");
  writer->flush();
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, old);
  CHECK(writer->dropped() == 2);
  writer->write("five\n");
  writer->write("six\n");
  writer->flush();
  CHECK(folder.text("a.log") == "start\none\ntwo th\nfive\nsix\n");
}

TEST_CASE("log writer: a pipe whose reader is gone loses lines and raises no signal", "[proxy]") {
  const Quiet quiet;
  const test::TempFolder folder;
  REQUIRE(::mkfifo(folder.file("pipe").c_str(), 0600) == 0);
  CHECK_FALSE(LogWriter::open(folder.file("pipe")));
  const int reader = ::open(folder.file("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(reader >= 0);
  const auto writer = open(folder.file("pipe"));
  writer->write("one\n");
  writer->flush();
  char text[16];
  CHECK(::read(reader, text, sizeof text) == 4);
  ::close(reader);
  writer->write("two\n");
  writer->flush();
  CHECK(writer->dropped() == 1);
}

TEST_CASE("log writer: a reader that takes nothing holds up no one; past the bound lines are dropped", "[proxy]") {
  const Quiet quiet;
  const test::TempFolder folder;
  REQUIRE(::mkfifo(folder.file("pipe").c_str(), 0600) == 0);
  const int reader = ::open(folder.file("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(reader >= 0);
  std::uint64_t written = 0;
  {
    const auto writer = open(folder.file("pipe"));
    const std::string chunk = std::string(1024 * 1024 - 1, 'x') + "\n";
    for (int i = 0; i < 20; ++i) writer->write(std::string(chunk));
    CHECK(writer->dropped() == 4);
    // From here on the reader is quick, and what was held arrives whole.
    std::string buffer(256 * 1024, '\0');
    while (written < 16 * chunk.size()) {
      const ssize_t got = ::read(reader, buffer.data(), buffer.size());
      if (got > 0) written += static_cast<std::uint64_t>(got);
    }
    writer->flush();
    CHECK(writer->dropped() == 4);
  }
  ::close(reader);
  CHECK(written == 16 * 1024 * 1024);
}

}  // namespace
}  // namespace rpx::proxy
