#include "cache/key.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace rpx::cache {

Result<KeyTemplate> KeyTemplate::compile(const CacheOptions& options) {
  KeyTemplate out;
  out.ignored_ = options.ignore_query;
  std::string_view text = options.key;
  bool has_path = false;
  while (!text.empty()) {
    const std::size_t open = text.find('{');
    if (open != 0) {
      out.pieces_.push_back({What::kText, std::string(text.substr(0, open))});
      text = open == std::string_view::npos ? std::string_view() : text.substr(open);
      continue;
    }
    const std::size_t close = text.find('}');
    if (close == std::string_view::npos) return self_error(ErrorKind::kConfig, "a { without its }");
    const std::string_view name = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    if (name == "scheme") {
      out.pieces_.push_back({What::kScheme, {}});
    } else if (name == "host") {
      out.pieces_.push_back({What::kHost, {}});
    } else if (name == "path") {
      out.pieces_.push_back({What::kPath, {}});
      has_path = true;
    } else if (name == "query") {
      out.pieces_.push_back({What::kQuery, {}});
    } else if (name.starts_with("header:") && name.size() > 7) {
      out.pieces_.push_back({What::kHeader, std::string(name.substr(7))});
    } else {
      return self_error(ErrorKind::kConfig,
                        fmt::format("unknown {{{}}}; there are {{scheme}}, {{host}}, {{path}}, {{query}} and "
                                    "{{header:NAME}}",
                                    name));
    }
  }
  if (!has_path) return self_error(ErrorKind::kConfig, "a key without {path} would make one object of all");
  return out;
}

void KeyTemplate::append_query(std::string_view query, std::string& out) const {
  if (query.size() <= 1) return;
  if (ignored_.empty()) {
    out += query;
    return;
  }
  char before = '?';
  for (const std::string_view pair : split(query.substr(1), '&')) {
    const std::string_view name = pair.substr(0, pair.find('='));
    if (std::ranges::any_of(ignored_, [&](const std::string& pattern) { return glob_match(pattern, name); })) continue;
    out += before;
    out += pair;
    before = '&';
  }
}

void KeyTemplate::render(const KeyParts& parts, std::string& out) const {
  out.clear();
  // All there is mostly, and the "://" of a scheme.
  out.reserve(parts.scheme.size() + 3 + parts.host.size() + parts.path.size() + parts.query.size());
  for (const Piece& piece : pieces_) {
    switch (piece.what) {
      case What::kText: out += piece.text; break;
      case What::kScheme: out.append(parts.scheme).append("://"); break;
      case What::kHost: out += parts.host; break;
      case What::kPath: out += parts.path; break;
      case What::kQuery: append_query(parts.query, out); break;
      case What::kHeader:
        // A blank cannot stand in a path: no path can be taken for a field.
        out += ' ';
        if (parts.headers)
          for (const http::Field& field : *parts.headers)
            if (iequals(field.name, piece.text)) out.append(field.value).append(1, ',');
        out += ' ';
        break;
    }
  }
}

std::uint64_t key_hash(std::string_view key) noexcept {
  // The upper bits choose the shard of a store: they have to be as mixed as the lower ones.
  std::uint64_t hash = std::hash<std::string_view>()(key);
  hash ^= hash >> 31U;
  hash *= 0x9E3779B97F4A7C15ULL;
  return hash ^ (hash >> 29U);
}

std::string url_of(const KeyParts& parts) {
  return fmt::format("{}://{}{}{}", parts.scheme, parts.host, parts.path, parts.query.size() > 1 ? parts.query : "");
}

}  // namespace rpx::cache
