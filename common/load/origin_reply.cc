#include "load/origin_reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "codec/encoder.h"
#include "http/chars.h"
#include "http/message.h"

namespace rpx::load {
namespace {

constexpr Size kMostSize = Size{1} << 30;

// The query's settings as they are read.
struct Wish {
  Size size = 128;
  std::uint64_t status = 200;
  std::uint64_t chunks = 0;
  bool trailers = false;
  bool gzip = false;
  std::string fields;
  std::string type = "text/plain";
  std::string problem;
  Reply reply;
};

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned high = text[i] == '%' && i + 2 < text.size() ? http::look_up(http::kHexValue, text[i + 1]) : 255U;
    const unsigned low = high < 16 ? http::look_up(http::kHexValue, text[i + 2]) : 255U;
    if (low < 16) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

bool is_true(std::string_view value) noexcept { return value.empty() || value == "1" || value == "true"; }

std::optional<double> parse_share(std::string_view text) noexcept {
  if (!text.ends_with('%')) return std::nullopt;
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size() - 1, out);
  if (error != std::errc() || end != text.data() + text.size() - 1 || out < 0 || out > 100) return std::nullopt;
  return out / 100;
}

bool set_mishap(Reply& reply, std::string_view name) noexcept {
  constexpr std::pair<std::string_view, Mishap> kNames[] = {{"close", Mishap::kClose},
                                                            {"reset", Mishap::kReset},
                                                            {"truncate", Mishap::kTruncate},
                                                            {"hang", Mishap::kHang},
                                                            {"garbage", Mishap::kGarbage}};
  for (const auto& [known, mishap] : kNames)
    if (known == name) reply.mishap = mishap;
  return reply.mishap != Mishap::kNone;
}

template <class Value>
bool take(std::optional<Value> parsed, Value& into, Value most) {
  if (!parsed || *parsed > most) return false;
  into = *parsed;
  return true;
}

bool apply(Wish& wish, std::string_view key, const std::string& value) {
  constexpr Duration kLongest = std::chrono::hours(1);
  if (key == "size") return take(parse_size(value), wish.size, kMostSize);
  if (key == "status") return take(parse_uint(value), wish.status, std::uint64_t{599}) && wish.status >= 200;
  if (key == "delay") return take(parse_duration(value), wish.reply.delay, kLongest);
  if (key == "chunks") return take(parse_uint(value), wish.chunks, std::uint64_t{100000}) && wish.chunks > 0;
  if (key == "error") return set_mishap(wish.reply, value);
  if (key == "error_rate") return take(parse_share(value), wish.reply.mishap_share, 1.0);
  if (key == "trailers") return wish.trailers = is_true(value);
  if (key == "gzip") return wish.gzip = is_true(value);
  if (key == "close") return wish.reply.close = is_true(value);
  const bool plain = std::ranges::all_of(value, [](char c) { return http::look_up(http::kFieldText, c) != 0; });
  if (key == "type" && plain) wish.type = value;
  const std::size_t colon = value.find(':');
  if (key == "header" && plain && colon != std::string::npos && colon > 0)
    fmt::format_to(std::back_inserter(wish.fields), "{}: {}\r\n", value.substr(0, colon),
                   trim(value.substr(colon + 1)));
  else if (key == "header")
    return false;
  return plain && (key == "type" || key == "header");
}

Wish read_wish(std::string_view target) {
  Wish out;
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return out;
  for (const std::string_view pair : split(target.substr(mark + 1), '&')) {
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const std::string_view key = pair.substr(0, equals);
    const std::string value = equals == std::string_view::npos ? "" : unescape(pair.substr(equals + 1));
    if (!apply(out, key, value)) {
      out = {};
      out.status = 400;
      out.problem = fmt::format(
          "cannot read {}\nknown are size, status, delay, chunks, trailers, gzip, "
          "header, type, close, error and error_rate\n",
          pair);
      return out;
    }
  }
  return out;
}

std::string make_body(const Wish& wish) {
  if (!wish.problem.empty()) return wish.problem;
  std::string out;
  out.reserve(wish.size);
  while (out.size() < wish.size) fmt::format_to(std::back_inserter(out), "{:07}\n", out.size() % 10000000);
  out.resize(wish.size);
  return out;
}

std::string chunked(const std::string& body, std::uint64_t count, bool trailers) {
  std::string out;
  const std::size_t each = std::max<std::size_t>((body.size() + count - 1) / count, 1);
  for (std::size_t at = 0; at < body.size(); at += each) {
    const std::string_view piece = std::string_view(body).substr(at, each);
    fmt::format_to(std::back_inserter(out), "{:x}\r\n{}\r\n", piece.size(), piece);
  }
  return out + (trailers ? "0\r\nX-Trailer: done\r\n\r\n" : "0\r\n\r\n");
}

}  // namespace

Reply plan_reply(std::string_view target) {
  Wish wish = read_wish(target);
  Reply out = std::move(wish.reply);
  std::string body = make_body(wish);
  if (wish.gzip) {
    std::string coded;
    wish.gzip = codec::encode_once(http::Coding::kGzip, 6, body, coded);
    if (wish.gzip) body = std::move(coded);
  }
  const bool empty = wish.status == 204 || wish.status == 304;
  if (wish.trailers && wish.chunks == 0) wish.chunks = 1;
  out.head = fmt::format("HTTP/1.1 {} {}\r\nServer: rpx-bench\r\nContent-Type: {}\r\n", wish.status,
                         http::reason_phrase(static_cast<std::uint16_t>(wish.status)), wish.type);
  out.head += wish.fields;
  if (wish.gzip) out.head += "Content-Encoding: gzip\r\n";
  if (out.close) out.head += "Connection: close\r\n";
  if (wish.trailers && !empty) out.head += "Trailer: X-Trailer\r\n";
  if (!empty)
    out.head += wish.chunks > 0 ? "Transfer-Encoding: chunked\r\n" : fmt::format("Content-Length: {}\r\n", body.size());
  out.head += "\r\n";
  if (!empty && wish.chunks > 0) body = chunked(body, wish.chunks, wish.trailers);
  out.bytes = out.head + (empty ? std::string() : body);
  if (out.mishap == Mishap::kNone) return out;
  if (out.mishap_share < 1) out.sound = out.bytes;
  if (out.mishap == Mishap::kTruncate) out.bytes.resize(out.head.size() + (out.bytes.size() - out.head.size()) / 2);
  if (out.mishap == Mishap::kGarbage) out.bytes = "this is no HTTP at all\r\n\r\n";
  return out;
}

}  // namespace rpx::load
