#include "net/srv.h"

#include <ares.h>

#include <algorithm>
#include <memory>

#include "base/result.h"
#include "base/text.h"

namespace rpx::net {
namespace {

// RFC 1035 section 4.1: a header of 12 bytes, then questions, then answers.
constexpr std::size_t kHeader = 12;
constexpr std::uint16_t kTypeSrv = 33;
constexpr std::uint16_t kClassInternet = 1;

class Cursor {
 public:
  explicit Cursor(std::span<const std::uint8_t> message) : message_(message), at_(kHeader) {}

  std::uint16_t header(std::size_t at) const {
    return static_cast<std::uint16_t>(message_[at] << 8 | message_[at + 1]);
  }
  Result<std::string> name() {
    char* text = nullptr;
    long used = 0;
    if (at_ >= message_.size() || ares_expand_name(message_.data() + at_, message_.data(),
                                                   static_cast<int>(message_.size()), &text, &used) != ARES_SUCCESS)
      return bad();
    const std::unique_ptr<char, void (*)(char*)> owned(text, [](char* p) { ares_free_string(p); });
    at_ += static_cast<std::size_t>(used);
    return std::string(text);
  }
  Result<std::uint16_t> u16() {
    if (message_.size() - at_ < 2) return bad();
    at_ += 2;
    return header(at_ - 2);
  }
  Result<std::uint32_t> u32() {
    RPX_TRY(const std::uint16_t high, u16());
    RPX_TRY(const std::uint16_t low, u16());
    return std::uint32_t{high} << 16 | low;
  }
  Status skip(std::size_t count) {
    if (message_.size() - at_ < count) return bad();
    at_ += count;
    return {};
  }
  std::size_t at() const { return at_; }
  static std::unexpected<Error> bad() { return upstream_error(ErrorKind::kBadResponse, "a malformed DNS message"); }

 private:
  std::span<const std::uint8_t> message_;
  std::size_t at_;
};

Status read_record(Cursor& cursor, SrvAnswer& out) {
  RPX_TRY([[maybe_unused]] const std::string owner, cursor.name());
  RPX_TRY(const std::uint16_t type, cursor.u16());
  RPX_TRY(const std::uint16_t of_class, cursor.u16());
  RPX_TRY(const std::uint32_t ttl, cursor.u32());
  RPX_TRY(const std::uint16_t length, cursor.u16());
  // A CNAME may lead to them.
  if (type != kTypeSrv || of_class != kClassInternet) return cursor.skip(length);
  const std::size_t end = cursor.at() + length;
  SrvRecord record;
  RPX_TRY(record.priority, cursor.u16());
  RPX_TRY(record.weight, cursor.u16());
  RPX_TRY(record.port, cursor.u16());
  RPX_TRY(std::string host, cursor.name());
  if (cursor.at() != end) return Cursor::bad();
  const Duration lasting = std::chrono::seconds(ttl);
  out.ttl = out.ttl == Duration::zero() ? lasting : std::min(out.ttl, lasting);
  while (host.ends_with('.')) host.pop_back();
  // "." says that there is no such service here.
  if (host.empty() || record.port == 0) return {};
  record.host = lower(host);
  out.records.push_back(std::move(record));
  return {};
}

}  // namespace

Result<SrvAnswer> parse_srv(std::span<const std::uint8_t> message) {
  if (message.size() < kHeader) return Cursor::bad();
  Cursor cursor(message);
  const std::uint16_t questions = cursor.header(4);
  const std::uint16_t answers = cursor.header(6);
  for (std::uint16_t i = 0; i < questions; ++i) {
    RPX_TRY([[maybe_unused]] const std::string asked, cursor.name());
    RPX_TRY_VOID(cursor.skip(4));
  }
  SrvAnswer out;
  for (std::uint16_t i = 0; i < answers; ++i) RPX_TRY_VOID(read_record(cursor, out));
  std::ranges::sort(out.records);
  return out;
}

}  // namespace rpx::net
