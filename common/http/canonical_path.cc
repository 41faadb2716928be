#include "base/result.h"
#include "http/chars.h"
#include "http/h1_parse.h"
#include "http/target.h"

namespace rpx::http {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";

/// Bytes that end a run of the path that is canonical already and reads the same to everyone. Dots and slashes are
/// looked at with their neighbours.
constexpr ByteTable kSettled = make_table([](unsigned c) { return kPath[c] != 0 && c != ';' && c != '.' && c != '/'; });
/// What browsers put into a path although RFC 3986 does not allow it.
constexpr ByteTable kToEscape = make_table([](unsigned c) { return is_one_of(c, "\"<>[]^`{|}"); });
/// Bytes that change what a path means once a server has decoded it, or that nobody has reason to escape twice.
constexpr ByteTable kNeverTwice =
    make_table([](unsigned c) { return c < 0x20 || c == 0x7f || c == '\\' || c == '%' || kUnreserved[c] != 0; });

bool is_settled(std::string_view path) noexcept {
  char before = 'x';
  for (const char c : path) {
    if (look_up(kSettled, c) == 0) {
      if (c != '.' && c != '/') return false;
      // Empty and dot segments, and segments that end with a dot.
      if (before == '/' || (before == '.' && c == '/')) return false;
    }
    before = c;
  }
  return before != '.';
}

/// The byte that the escape at `at` stands for, or -1.
int escape_at(std::string_view text, std::size_t at) noexcept {
  if (at + 2 >= text.size() || text[at] != '%') return -1;
  const unsigned high = look_up(kHexValue, text[at + 1]);
  const unsigned low = look_up(kHexValue, text[at + 2]);
  return high > 15 || low > 15 ? -1 : static_cast<int>(high * 16 + low);
}

/// Whether the bytes begin a UTF-8 sequence that is longer than its character needs, as decoders without that
/// check once turned into slashes and dots.
bool is_overlong(int first, int second) noexcept {
  if (second < 0x80 || second > 0xbf) return false;
  return first == 0xc0 || first == 0xc1 || (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
}

char* put_escape(char* out, unsigned byte) noexcept {
  *out++ = '%';
  *out++ = kHex[byte >> 4];
  *out++ = kHex[byte & 15];
  return out;
}

/// Escapes made uniform, from `path` to `out`; the end of what was written, or null and `fault`.
char* write_uniform(std::string_view path, char* out, const char*& fault) noexcept {
  const auto refuse = [&fault](const char* why) -> char* {
    fault = why;
    return nullptr;
  };
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (look_up(kPath, c) != 0) {
      *out++ = c;
    } else if (look_up(kToEscape, c) != 0) {
      out = put_escape(out, static_cast<unsigned char>(c));
    } else if (c != '%') {
      return refuse("byte that a path may not hold");
    } else {
      const int byte = escape_at(path, i);
      if (byte < 0) return refuse("malformed escape in the path");
      if (byte < 0x20 || byte == 0x7f) return refuse("escaped control byte in the path");
      if (byte == '\\') return refuse("escaped backslash in the path");
      if (is_overlong(byte, escape_at(path, i + 3))) return refuse("overlong UTF-8 in the path");
      i += 2;
      if (kUnreserved[static_cast<unsigned>(byte)] != 0)
        *out++ = static_cast<char>(byte);
      else
        out = put_escape(out, static_cast<unsigned>(byte));
    }
  }
  return out;
}

/// Whether an escape of an escape hides a byte that must not be hidden. `path` has uniform escapes.
bool hides_byte(std::string_view path) noexcept {
  for (std::size_t at = path.find("%25"); at != std::string_view::npos; at = path.find("%25", at + 3)) {
    if (at + 5 > path.size()) return false;
    const unsigned high = look_up(kHexValue, path[at + 3]);
    const unsigned low = at + 4 < path.size() ? look_up(kHexValue, path[at + 4]) : 255;
    if (high < 16 && low < 16 && kNeverTwice[high * 16 + low] != 0) return true;
  }
  return false;
}

/// Resolves dot segments in place (RFC 3986 section 5.2.4) and makes one of the slashes at the start.
/// The new length, or 0 when ".." climbs above the root.
std::size_t resolve_dots(char* path, std::size_t size) noexcept {
  std::size_t from = 0;
  std::size_t to = 0;
  while (from < size) {
    std::size_t end = from + 1;
    while (end < size && path[end] != '/') ++end;
    const std::string_view segment(path + from + 1, end - from - 1);
    const bool last = end == size;
    if (segment == "." || segment == "..") {
      if (segment == "..") {
        if (to == 0) return 0;
        while (path[--to] != '/') {
        }
      }
      if (last) path[to++] = '/';
    } else if (to != 0 || last || !segment.empty()) {
      for (std::size_t i = from; i < end; ++i) path[to++] = path[i];
    }
    from = end;
  }
  return to;
}

/// What a lenient server makes of the byte at `at`.
struct LaxByte {
  char byte;
  bool is_escape = false;  ///< to be kept as the escape it is
  std::size_t size = 1;    ///< bytes of the path it takes up
};

LaxByte lax_byte_at(std::string_view path, std::size_t at) noexcept {
  int byte = escape_at(path, at);
  if (byte < 0) return {path[at]};
  std::size_t size = 3;
  if (byte == '%' && at + 4 < path.size()) {
    const unsigned high = look_up(kHexValue, path[at + 3]);
    const unsigned low = look_up(kHexValue, path[at + 4]);
    if (high < 16 && low < 16) {
      byte = static_cast<int>(high * 16 + low);
      size = 5;
    }
  }
  const auto value = static_cast<unsigned>(byte);
  return {static_cast<char>(byte), kPath[value] == 0 && value != '?' && value != '#', size};
}

/// Whether an escaped slash stands behind a ';' of its segment: those who cut before they decode lose what follows it,
/// those who decode first do not, and no single path is what both see.
bool has_slash_in_parameters(std::string_view path) noexcept {
  bool in_parameters = false;
  for (std::size_t i = 0; i < path.size();) {
    const LaxByte next = lax_byte_at(path, i);
    i += next.size;
    if (next.byte == '/') {
      if (in_parameters && next.size > 1) return true;
      in_parameters = false;
    } else if (next.byte == ';') {
      in_parameters = true;
    }
  }
  return false;
}

/// Where the segment that ends at `end` does so for servers that store files on Windows: trailing spaces and dots go.
/// Dot segments stay, to be seen as such.
char* end_of_lax_segment(const char* text, char* end) noexcept {
  for (;;) {
    const std::string_view path(text, static_cast<std::size_t>(end - text));
    if (path.ends_with("%20"))
      end -= 3;
    else if (path.ends_with('.') && !path.ends_with("/.") && !path.ends_with("/.."))
      end -= 1;
    else
      return end;
  }
}

bool has_dot_segment(std::string_view path) noexcept {
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view segment = path.substr(at + 1, end - at - 1);
    if (segment == "." || segment == "..") return true;
    at = end;
  }
  return false;
}

}  // namespace

Status canonical_paths(std::string_view path, Arena& arena, Target& out) {
  if (!path.starts_with('/')) return client_error(ErrorKind::kBadRequest, "path without a slash at its start");
  out.path = out.lax_path = path;
  if (is_settled(path)) return {};
  char* const text = arena.allocate(path.size() * 3);
  const char* fault = "";
  const char* const end = write_uniform(path, text, fault);
  if (end == nullptr) return client_error(ErrorKind::kBadRequest, fault);
  auto size = static_cast<std::size_t>(end - text);
  if (hides_byte({text, size})) return client_error(ErrorKind::kBadRequest, "double escape in the path");
  size = resolve_dots(text, size);
  if (size == 0) return client_error(ErrorKind::kBadRequest, "path climbs above the root");
  if (const std::string_view canonical(text, size); canonical != path) out.path = canonical;
  if (has_slash_in_parameters(out.path))
    return client_error(ErrorKind::kBadRequest, "escaped slash behind a semicolon");
  out.lax_path = lax_path(out.path, arena);
  // A server that cuts or splits a segment so that dots are left would go somewhere else than we looked.
  if (has_dot_segment(out.lax_path)) return client_error(ErrorKind::kBadRequest, "disguised dot segment in the path");
  return {};
}

Result<std::string_view> canonical_path(std::string_view path, Arena& arena) {
  Target paths;
  RPX_TRY_VOID(canonical_paths(path, arena, paths));
  return paths.path;
}

std::string_view lax_path(std::string_view path, Arena& arena) {
  if (is_settled(path)) return path;
  char* const text = arena.allocate(path.size());
  char* end = text;
  bool is_cut = false;
  for (std::size_t i = 0; i < path.size();) {
    const LaxByte next = lax_byte_at(path, i);
    i += next.size;
    const bool slash = next.byte == '/';
    is_cut = !slash && (is_cut || next.byte == ';' || next.byte == '?' || next.byte == '#');
    if (is_cut) continue;
    if (slash) end = end_of_lax_segment(text, end);
    if (next.is_escape)
      end = put_escape(end, static_cast<unsigned char>(next.byte));
    else if (!slash || end == text || end[-1] != '/')
      *end++ = next.byte;
  }
  end = end_of_lax_segment(text, end);
  const std::string_view lax(text, static_cast<std::size_t>(end - text));
  return lax == path ? path : lax;
}

}  // namespace rpx::http
