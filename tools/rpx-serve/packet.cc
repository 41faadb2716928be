#include "packet.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace rpx::serve {

namespace {

constexpr std::size_t kMostText = 8192;
constexpr char kBetween = '\t';

using Control = std::array<char, CMSG_SPACE(sizeof(int) * kMostDescriptors)>;

void take_descriptors(msghdr& message, std::vector<net::UniqueFd>& out) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      out.emplace_back(fd);
    }
  }
}

}  // namespace

bool fits(const std::vector<std::string_view>& words, std::size_t descriptors) {
  std::size_t size = 0;
  for (const std::string_view word : words) {
    if (word.find_first_of("\t\n") != std::string_view::npos) return false;
    size += word.size() + 1;
  }
  return size <= kMostText && descriptors <= kMostDescriptors;
}

bool send_packet(int to, const std::vector<std::string_view>& words, const std::vector<int>& descriptors) {
  std::string text = fmt::format("{}", fmt::join(words, std::string_view(&kBetween, 1)));
  iovec data{.iov_base = text.data(), .iov_len = text.size()};
  alignas(cmsghdr) Control control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
    std::memcpy(CMSG_DATA(header), descriptors.data(), sizeof(int) * descriptors.size());
  }
  ssize_t sent = 0;
  do sent = ::sendmsg(to, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

std::optional<Packet> receive_packet(int from) {
  std::array<char, kMostText> text;
  iovec data{.iov_base = text.data(), .iov_len = text.size()};
  alignas(cmsghdr) Control control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = 0;
  do got = ::recvmsg(from, &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got <= 0) return std::nullopt;
  Packet out;
  for (const std::string_view word : split(std::string_view(text.data(), static_cast<std::size_t>(got)), kBetween))
    out.words.emplace_back(word);
  take_descriptors(message, out.descriptors);
  // The kernel drops the descriptors that the receiver may not have, and says so in this way alone.
  if ((message.msg_flags & MSG_CTRUNC) != 0) out.lost = EMFILE;
  if ((message.msg_flags & MSG_TRUNC) != 0) out.lost = EMSGSIZE;
  return out;
}

}  // namespace rpx::serve
