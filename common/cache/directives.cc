#include "cache/directives.h"

#include <algorithm>

#include "base/text.h"

namespace rpx::cache {
namespace {

using http::FieldId;

bool is_token_char(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// One directive of a list: its name, and the value without quotes.
struct Item {
  std::string name;
  std::string value;
  bool has_value = false;
  bool quoted = false;
};

// Cuts a Cache-Control value leniently: what one origin got wrong must not hide what else it said.
class Cutter {
 public:
  explicit Cutter(std::string_view text) : text_(text) {}

  bool next(Item& item) {
    while (at_ < text_.size() && (text_[at_] == ',' || is_blank(text_[at_]))) ++at_;
    if (at_ >= text_.size()) return false;
    item = {};
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != '=' && text_[at_] != ',') ++at_;
    item.name = lower(trim(text_.substr(begin, at_ - begin)));
    if (at_ < text_.size() && text_[at_] == '=') {
      ++at_;
      item.has_value = true;
      take_value(item);
    }
    return true;
  }

 private:
  static bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }
  void take_value(Item& item) {
    if (at_ < text_.size() && text_[at_] == '"') {
      item.quoted = true;
      for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
        if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
        item.value += text_[at_];
      }
      ++at_;
      while (at_ < text_.size() && text_[at_] != ',') item.value += text_[at_++];
      return;
    }
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != ',') ++at_;
    item.value = text_.substr(begin, at_ - begin);
    while (!item.value.empty() && is_blank(item.value.back())) item.value.pop_back();
  }
  std::string_view text_;
  std::size_t at_ = 0;
};

Duration span_of(const Item& item) { return parse_delta(item.value).value_or(Duration::zero()); }

// Of two values of one directive the shorter counts (RFC 9111 section 4.2.1 would also have it stale).
void keep_least(std::optional<Duration>& held, Duration value) { held = held ? std::min(*held, value) : value; }

void add_names(std::vector<std::string>& out, std::string_view names) {
  for (const std::string_view name : split(names, ','))
    if (!trim(name).empty()) out.push_back(lower(trim(name)));
}

void apply_flag(const Item& item, Directives& out) {
  if (item.name == "no-store") out.no_store = true;
  if (item.name == "public") out.is_public = true;
  if (item.name == "must-revalidate") out.must_revalidate = true;
  if (item.name == "proxy-revalidate") out.proxy_revalidate = true;
  if (item.name == "must-understand") out.must_understand = true;
  if (item.name == "only-if-cached") out.only_if_cached = true;
  if (item.name == "no-cache") {
    if (item.has_value && !trim(item.value).empty())
      add_names(out.no_cache_fields, item.value);
    else
      out.no_cache = true;
  }
  if (item.name == "private") {
    if (item.has_value && !trim(item.value).empty())
      add_names(out.private_fields, item.value);
    else
      out.is_private = true;
  }
}

void apply(const Item& item, Directives& out) {
  out.present = true;
  if (item.name == "max-age") return keep_least(out.max_age, span_of(item));
  if (item.name == "s-maxage") return keep_least(out.s_maxage, span_of(item));
  if (item.name == "stale-while-revalidate") return keep_least(out.stale_while_revalidate, span_of(item));
  if (item.name == "stale-if-error") return keep_least(out.stale_if_error, span_of(item));
  if (item.name == "min-fresh") return keep_least(out.min_fresh, span_of(item));
  if (item.name == "max-stale") return keep_least(out.max_stale, item.has_value ? span_of(item) : kLongest);
  apply_flag(item, out);
}

// A dictionary of structured fields (RFC 9651 section 4.2.2), as far as directives need its values.
class Dictionary {
 public:
  explicit Dictionary(std::string_view text) : text_(text) {}

  /// False when `text` is none.
  bool read(std::vector<Item>& out) {
    skip(" ");
    while (at_ < text_.size()) {
      Item item;
      if (!read_key(item.name)) return false;
      if (take('=')) {
        item.has_value = true;
        if (!read_value(item)) return false;
      }
      if (!read_parameters()) return false;
      std::erase_if(out, [&](const Item& one) { return one.name == item.name; });
      out.push_back(std::move(item));
      skip(" \t");
      if (at_ == text_.size()) return true;
      if (!take(',')) return false;
      skip(" \t");
      if (at_ == text_.size()) return false;
    }
    return true;
  }

 private:
  void skip(std::string_view of) {
    while (at_ < text_.size() && of.find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool read_key(std::string& out) {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool starts = (c >= 'a' && c <= 'z') || c == '*';
      if (!starts && (out.empty() || !((c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'))) break;
      out += c;
      ++at_;
    }
    return !out.empty();
  }
  bool read_value(Item& item) {
    if (at_ >= text_.size()) return false;
    if (text_[at_] == '"') return read_string(item);
    const std::size_t begin = at_;
    if (text_[at_] == '(') {
      const std::size_t close = text_.find(')', at_);
      if (close == std::string_view::npos) return false;
      at_ = close + 1;
    } else {
      if (text_[at_] == '?' || text_[at_] == ':' || text_[at_] == '@') ++at_;
      while (at_ < text_.size() && (is_token_char(text_[at_]) || text_[at_] == ':' || text_[at_] == '/')) ++at_;
    }
    item.value = text_.substr(begin, at_ - begin);
    if (item.value == "?1") {
      item.has_value = false;
      item.value.clear();
    }
    return !item.value.empty() || !item.has_value;
  }
  bool read_string(Item& item) {
    item.quoted = true;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        return true;
      }
      if (text_[at_] == '\\') ++at_;
      if (at_ >= text_.size()) return false;
      item.value += text_[at_];
    }
    return false;
  }
  bool read_parameters() {
    while (take(';')) {
      skip(" ");
      Item ignored;
      if (!read_key(ignored.name)) return false;
      if (take('=')) {
        ignored.has_value = true;
        if (!read_value(ignored)) return false;
      }
    }
    return true;
  }
  std::string_view text_;
  std::size_t at_ = 0;
};

bool wants_span(std::string_view name) noexcept {
  return name == "max-age" || name == "s-maxage" || name == "stale-while-revalidate" || name == "stale-if-error";
}

}  // namespace

std::optional<Duration> parse_delta(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = std::min<std::uint64_t>(value * 10 + static_cast<std::uint64_t>(c - '0'), 1ULL << 40U);
  }
  const auto longest = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(kLongest).count());
  return std::chrono::seconds(std::min(value, longest));
}

Directives parse_cache_control(const http::Headers& headers) {
  Directives out;
  Item item;
  for (const http::Field& field : headers) {
    if (field.id != FieldId::kCacheControl) continue;
    out.present = true;
    Cutter cutter(field.value);
    while (cutter.next(item)) apply(item, out);
  }
  return out;
}

std::optional<Directives> parse_targeted(const http::Headers& headers) {
  std::string joined;
  for (const http::Field& field : headers) {
    if (field.name.size() != 17 || !iequals(field.name, "CDN-Cache-Control")) continue;
    if (!joined.empty()) joined += ", ";
    joined += field.value;
  }
  if (joined.empty()) return std::nullopt;
  std::vector<Item> items;
  if (!Dictionary(joined).read(items) || items.empty()) return std::nullopt;
  Directives out;
  out.present = true;
  for (const Item& item : items) {
    // A value of another type than the directive has makes the field invalid (RFC 9213 section 2.1).
    if (wants_span(item.name) && (item.quoted || !parse_delta(item.value))) return std::nullopt;
    if (!wants_span(item.name) && item.value == "?0") continue;
    apply(item, out);
  }
  return out;
}

}  // namespace rpx::cache
