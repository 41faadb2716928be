#include "control/socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>

#include "support/temp_folder.h"

using rpx::ErrorKind;
using rpx::control::SocketFile;
using rpx::test::TempFolder;

namespace {

// What a process that was killed leaves behind.
void leave_dead_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  ::close(fd);
}

mode_t mode_of(const std::string& path) {
  struct stat seen{};
  REQUIRE(::stat(path.c_str(), &seen) == 0);
  return seen.st_mode & 0777;
}

}  // namespace

TEST_CASE("socket: it is its owner's alone, and gone with the object", "[control]") {
  const TempFolder dir;
  const std::string path = dir.file("sub/c.sock");
  {
    const auto socket = SocketFile::listen_at(path);
    REQUIRE(socket);
    CHECK(mode_of(path) == 0600);
    CHECK(mode_of(dir.file("sub")) == 0700);
  }
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK_FALSE(std::filesystem::exists(dir.file("sub")));
}

TEST_CASE("socket: a dead one is replaced", "[control]") {
  const TempFolder dir;
  leave_dead_socket(dir.file("c.sock"));
  CHECK(SocketFile::listen_at(dir.file("c.sock")));
}

TEST_CASE("socket: one that takes over stays aside until it is given the name", "[control]") {
  const TempFolder dir;
  const std::string path = dir.file("c.sock");
  const auto first = SocketFile::listen_at(path);
  REQUIRE(first);
  {
    const auto gives_up = SocketFile::take_over(path);
    REQUIRE(gives_up);
    CHECK(gives_up->path() == path);
    CHECK(mode_of(path + ".new") == 0600);
  }
  CHECK_FALSE(std::filesystem::exists(path + ".new"));
  CHECK(std::filesystem::exists(path));
  {
    auto goes_on = SocketFile::take_over(path);
    REQUIRE(goes_on);
    std::filesystem::rename(path + ".new", path);
    goes_on->settle();
    CHECK(std::filesystem::exists(path));
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("socket: a live one is refused and left alone", "[control]") {
  const TempFolder dir;
  const auto first = SocketFile::listen_at(dir.file("c.sock"));
  REQUIRE(first);
  const auto second = SocketFile::listen_at(dir.file("c.sock"));
  REQUIRE_FALSE(second);
  CHECK(second.error().kind == ErrorKind::kUsage);
  CHECK(second.error().detail.find("another process answers there") != std::string::npos);
  CHECK(std::filesystem::exists(dir.file("c.sock")));
}

TEST_CASE("socket: a file that is no socket is refused and left alone", "[control]") {
  const TempFolder dir;
  std::ofstream(dir.file("c.sock")) << "mine";
  CHECK_FALSE(SocketFile::listen_at(dir.file("c.sock")));
  CHECK(std::filesystem::file_size(dir.file("c.sock")) == 4);
}

TEST_CASE("socket: a path that is too long says how long it may be", "[control]") {
  const TempFolder dir;
  const auto socket = SocketFile::listen_at(dir.file(std::string(120, 'x')));
  REQUIRE_FALSE(socket);
  CHECK(socket.error().detail.find("107 is the most") != std::string::npos);
}

TEST_CASE("socket: a name that another process took since is not removed", "[control]") {
  const TempFolder dir;
  {
    const auto socket = SocketFile::listen_at(dir.file("c.sock"));
    REQUIRE(socket);
    ::unlink(dir.file("c.sock").c_str());
    leave_dead_socket(dir.file("c.sock"));
  }
  CHECK(std::filesystem::exists(dir.file("c.sock")));
}
