#include "config/kinds.h"

#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/text.h"
#include "config/checks.h"
#include "config/reader.h"

namespace rpx::config {
namespace {

/// A boolean, which a loose text may stand for.
std::optional<bool> bool_of(const Node& node) {
  if (node.kind == NodeKind::kBool) return node.boolean;
  if (node.loose && node.text == "true") return true;
  if (node.loose && node.text == "false") return false;
  return std::nullopt;
}

std::optional<std::int64_t> integer_of(const Node& node) {
  if (node.kind == NodeKind::kInteger) return node.integer;
  if (!node.loose) return std::nullopt;
  const std::optional<std::uint64_t> value = parse_uint(node.text);
  return value && *value <= std::numeric_limits<std::int64_t>::max() ? std::optional(static_cast<std::int64_t>(*value))
                                                                     : std::nullopt;
}

/// A text, which a loose number or boolean may stand for.
const std::string* text_of(const Node& node) {
  return node.kind == NodeKind::kText || node.loose ? &node.text : nullptr;
}

std::string range_of(const Key& key, std::uint64_t least, std::uint64_t most) {
  std::string out = fmt::format("expected {} to {}", least, most);
  if (!key.extra.unit.empty()) out += fmt::format(" {}", key.extra.unit);
  if (key.extra.zero == Zero::kUnlimited) out += ", or 0 for no limit";
  return out;
}

void read_bool(Reader& reader, const Key& key, const Node& node, bool& field) {
  if (const std::optional<bool> value = bool_of(node))
    field = *value;
  else
    reader.wrong_type(key, node);
}
Node write_bool(const Key&, const bool& field) { return bool_node(field); }

template <class T>
void read_integer(Reader& reader, const Key& key, const Node& node, T& field) {
  const std::optional<std::int64_t> value = integer_of(node);
  if (!value) return reader.wrong_type(key, node);
  const std::uint64_t most = key.extra.most == 0 ? std::numeric_limits<T>::max() : key.extra.most;
  if (*value == 0 && key.extra.zero == Zero::kUnlimited) {
    field = static_cast<T>(most);
    return;
  }
  const bool fits = *value >= 0 && static_cast<std::uint64_t>(*value) >= key.extra.least &&
                    static_cast<std::uint64_t>(*value) <= most;
  if (!fits) return reader.bad_value(key, node, range_of(key, key.extra.least, most));
  field = static_cast<T>(*value);
}
template <class T>
Node write_integer(const Key&, const T& field) {
  return integer_node(static_cast<std::int64_t>(field));
}

void read_duration(Reader& reader, const Key& key, const Node& node, Duration& field) {
  std::optional<Duration> value;
  if (const std::string* text = text_of(node)) {
    value = parse_duration(*text);
    if (!value) return reader.bad_value(key, node, fmt::format("expected {}", key.kind->wants));
  } else if (node.kind == NodeKind::kInteger && node.integer == 0) {
    value = Duration::zero();
  } else {
    return reader.wrong_type(key, node);
  }
  if (*value == Duration::zero() && key.extra.zero == Zero::kRefused)
    return reader.bad_value(key, node, "expected more than nothing");
  field = *value == Duration::zero() && key.extra.zero == Zero::kUnlimited ? kForever : *value;
}
Node write_duration(const Key&, const Duration& field) {
  const Duration shown = field == kForever ? Duration::zero() : field;
  Node node = text_node(format_duration(shown));
  node.json = fmt::format("{}", std::chrono::duration<double>(shown).count());
  return node;
}

void read_bytes(Reader& reader, const Key& key, const Node& node, Size& field,
                std::optional<Size> (*parse)(std::string_view)) {
  std::optional<Size> value;
  if (const std::string* text = text_of(node)) {
    value = parse(*text);
    if (!value) return reader.bad_value(key, node, fmt::format("expected {}", key.kind->wants));
  } else if (node.kind == NodeKind::kInteger) {
    if (node.integer < 0) return reader.bad_value(key, node, fmt::format("expected {}", key.kind->wants));
    value = static_cast<Size>(node.integer);
  } else {
    return reader.wrong_type(key, node);
  }
  if (*value == 0 && key.extra.zero == Zero::kUnlimited) {
    field = key.extra.most;
    return;
  }
  const Size most = key.extra.most == 0 ? std::numeric_limits<std::int64_t>::max() : key.extra.most;
  if (*value < key.extra.least || *value > most)
    return reader.bad_value(key, node,
                            fmt::format("expected {} to {}", format_size(key.extra.least), format_size(most)));
  field = *value;
}
void read_size(Reader& reader, const Key& key, const Node& node, Size& field) {
  read_bytes(reader, key, node, field, [](std::string_view text) { return parse_size(text); });
}
Node write_size(const Key&, const Size& field) {
  Node node = text_node(format_size(field));
  node.json = fmt::format("{}", field);
  return node;
}
void read_byte_rate(Reader& reader, const Key& key, const Node& node, Size& field) {
  read_bytes(reader, key, node, field, [](std::string_view text) { return parse_byte_rate(text); });
}
Node write_byte_rate(const Key&, const Size& field) {
  Node node = text_node(format_byte_rate(field));
  node.json = fmt::format("{}", field);
  return node;
}

void read_per_second(Reader& reader, const Key& key, const Node& node, std::uint32_t& field) {
  const std::string* text = text_of(node);
  if (text == nullptr) return reader.wrong_type(key, node);
  const std::optional<Rate> rate = *text == "0" ? Rate{0} : parse_rate(*text);
  const bool may_be_zero = key.extra.zero != Zero::kRefused;
  const double least = rate && may_be_zero && rate->per_second <= 0 ? 0 : 1;
  if (!rate || rate->per_second < least || rate->per_second > 1e6)
    return reader.bad_value(
        key, node,
        fmt::format(R"(expected a rate from "1/s" to "1000000/s"{})", may_be_zero ? ", or 0 for no limit" : ""));
  field = static_cast<std::uint32_t>(rate->per_second);
}
Node write_per_second(const Key&, const std::uint32_t& field) {
  Node node = text_node(format_rate({static_cast<double>(field)}));
  node.json = fmt::format("{}", field);
  return node;
}

void read_rate(Reader& reader, const Key& key, const Node& node, Rate& field) {
  const std::string* text = text_of(node);
  if (text == nullptr) return reader.wrong_type(key, node);
  const std::optional<Rate> rate = parse_rate(*text);
  if (!rate || rate->per_second <= 0 || rate->per_second > 1e6)
    return reader.bad_value(key, node, R"(expected a rate such as "100/s", "30/m" or "1000/h", over 0)");
  field = *rate;
}
Node write_rate(const Key&, const Rate& field) {
  Node node = text_node(format_rate(field));
  node.json = fmt::format("{}", field.per_second);
  return node;
}

void read_share(Reader& reader, const Key& key, const Node& node, double& field) {
  const std::string* text = text_of(node);
  if (text == nullptr) return reader.wrong_type(key, node);
  double percent = -1;
  const char* end = text->data() + text->size();
  const auto [stop, code] = std::from_chars(text->data(), end, percent, std::chars_format::fixed);
  const bool fits = code == std::errc() && stop + 1 == end && *stop == '%' && percent >= 0 && percent <= 100;
  if (!fits) return reader.bad_value(key, node, "expected a share from \"0%\" to \"100%\"");
  field = percent / 100;
}
Node write_share(const Key&, const double& field) {
  // Six decimals are more than anybody writes, and few enough that 0.07 * 100 is 7 again.
  Node node = text_node(fmt::format("{}%", std::round(field * 1e8) / 1e6));
  node.json = fmt::format("{}", field);
  return node;
}

void read_level(Reader& reader, const Key& key, const Node& node, LogLevel& field) {
  const std::string* text = text_of(node);
  if (text == nullptr) return reader.wrong_type(key, node);
  if (!reader.check_text(key, node, *text)) return;
  if (const std::optional<LogLevel> level = parse_log_level(*text)) field = *level;
}
Node write_level(const Key&, const LogLevel& field) { return text_node(name_of(field)); }

void read_text(Reader& reader, const Key& key, const Node& node, std::string& field) {
  const std::string* text = text_of(node);
  if (text == nullptr) return reader.wrong_type(key, node);
  if (reader.check_text(key, node, *text)) field = *text;
}
Node write_text(const Key&, const std::string& field) { return text_node(field); }

/// A path of a Unix socket; "" = none.
void read_path(Reader& reader, const Key& key, const Node& node, std::string& field) {
  const std::string* text = text_of(node);
  if (text == nullptr) return reader.wrong_type(key, node);
  const std::string path = text->empty() ? *text : reader.absolute(node, *text);
  if (Complaint complaint = check_socket_path(path)) return reader.bad_value(key, node, *complaint);
  field = path;
}

void read_file_path(Reader& reader, const Key& key, const Node& node, std::string& field) {
  const std::string* text = text_of(node);
  if (text == nullptr) return reader.wrong_type(key, node);
  if (text->empty() && key.extra.required) return reader.bad_value(key, node, "expected the path of a file");
  if (text->ends_with('/') || text->find('\0') != std::string::npos)
    return reader.bad_value(key, node, "expected the path of a file");
  const std::string path = text->empty() ? *text : reader.absolute(node, *text);
  if (!path.empty() && key.extra.check != nullptr && reader.check_files())
    if (const Complaint complaint = key.extra.check(path)) return reader.bad_value(key, node, *complaint);
  field = path;
}

void read_folder(Reader& reader, const Key& key, const Node& node, std::string& field) {
  const std::string* text = text_of(node);
  if (text == nullptr) return reader.wrong_type(key, node);
  std::string path = text->empty() ? *text : reader.absolute(node, *text);
  // Two names of one folder are to look the same.
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (path.size() < 2 || path.find('\0') != std::string::npos)
    return reader.bad_value(key, node, "expected the path of a folder");
  field = path;
}

void read_log_file(Reader& reader, const Key& key, const Node& node, std::string& field) {
  const std::string* text = text_of(node);
  if (text == nullptr) return reader.wrong_type(key, node);
  // A mistyped "stdout" must not become a file, so a path shows that it is one.
  if (text->find_first_of("./") == std::string::npos) {
    if (reader.check_text(key, node, *text)) field = *text;
  } else if (text->ends_with('/') || text->find('\0') != std::string::npos) {
    reader.bad_value(key, node, "expected the path of a file");
  } else {
    field = reader.absolute(node, *text);
  }
}

void read_address(Reader& reader, const Key& key, const Node& node, std::string& field) {
  const std::string* text = text_of(node);
  if (text == nullptr) return reader.wrong_type(key, node);
  if (!reader.check_text(key, node, *text)) return;
  if (text->starts_with("unix:")) {
    std::string path = text->substr(5);
    if (!path.starts_with('@')) path = reader.absolute(node, path);  // '@' is the abstract namespace
    if (Complaint complaint = check_socket_path(path)) return reader.bad_value(key, node, *complaint);
    field = "unix:" + path;
  } else {
    field = *text;
    if (field.starts_with("http://") && field.ends_with('/')) field.pop_back();
  }
}

Node write_only(const Key& key, const void*) {
  Node node;
  node.kind = NodeKind::kRaw;
  node.text = key.standard;
  return node;
}

void read_only_text(Reader& reader, const Key& key, const Node& node, void*) {
  const std::string* text = text_of(node);
  if (text == nullptr) return reader.wrong_type(key, node);
  reader.check_text(key, node, *text);
}

void read_only_bool(Reader& reader, const Key& key, const Node& node, void*) {
  const std::optional<bool> value = bool_of(node);
  if (!value) return reader.wrong_type(key, node);
  const std::string_view written = *value ? "true" : "false";
  if (written != key.standard) reader.report().error(node.at, not_yet(fmt::format("{} = {}", key.name, written)));
}

void read_only_texts(Reader& reader, const Key& key, const Node& node, void*) {
  if (node.kind != NodeKind::kList) return reader.wrong_type(key, node);
  if (node.items.empty()) return reader.bad_value(key, node, fmt::format("expected {}", key.standard));
  for (const Node& item : node.items) read_only_text(reader, key, item, nullptr);
}

void read_section(Reader& reader, const Key& key, const Node& node, void* field) {
  const Section& section = *key.section;
  if (section.read_word && node.kind == NodeKind::kText && section.read_word(node.text, field)) return;
  if (node.kind != NodeKind::kTable) return reader.wrong_type(key, node);
  reader.read_table(section, node, field);
}
Node write_section(const Key& key, const void* field) {
  if (key.section->write_word)
    if (const std::string_view word = key.section->write_word(field); !word.empty()) return text_node(word);
  return write_table(*key.section, field);
}

}  // namespace

constinit const Kind<bool> kBool = make_kind<bool, read_bool, write_bool>("boolean", "true or false");
constinit const Kind<std::uint32_t> kCount =
    make_kind<std::uint32_t, read_integer<std::uint32_t>, write_integer<std::uint32_t>>("integer",
                                                                                        "an integer such as 4");
constinit const Kind<std::uint16_t> kStatus =
    make_kind<std::uint16_t, read_integer<std::uint16_t>, write_integer<std::uint16_t>>("status",
                                                                                        "a status such as 503");
constinit const Kind<Duration> kDuration =
    make_kind<Duration, read_duration, write_duration>("duration", R"(a duration such as "30s" or "250ms")");
constinit const Kind<Size> kSize =
    make_kind<Size, read_size, write_size>("size", R"(a size such as "16KiB" or "10MB")");
constinit const Kind<Size> kByteRate =
    make_kind<Size, read_byte_rate, write_byte_rate>("rate", R"(a rate of bytes such as "500B/s")");
constinit const Kind<std::uint32_t> kPerSecond =
    make_kind<std::uint32_t, read_per_second, write_per_second>("rate", R"(a rate such as "100/s")");
constinit const Kind<Rate> kRate = make_kind<Rate, read_rate, write_rate>("rate", R"(a rate such as "30/m")");
constinit const Kind<double> kShare = make_kind<double, read_share, write_share>("share", R"(a share such as "20%")");
constinit const Kind<std::string> kText = make_kind<std::string, read_text, write_text>("text", "a text in quotes");
constinit const Kind<std::string> kSecret = make_kind<std::string, read_text, [](const Key&, const std::string& field) {
  Node node = text_node(field);
  node.secret = true;
  return node;
}>("text", "a text in quotes");
constinit const Kind<std::string> kPath = make_kind<std::string, read_path, write_text>("path", "a path in quotes");
constinit const Kind<std::string> kFilePath =
    make_kind<std::string, read_file_path, write_text>("path", "a path in quotes");
constinit const Kind<std::string> kFolder = make_kind<std::string, read_folder, write_text>("path", "a path in quotes");
constinit const Kind<std::string> kLogFile =
    make_kind<std::string, read_log_file, write_text>("path", "a text in quotes");
constinit const Kind<std::string> kAddress =
    make_kind<std::string, read_address, write_text>("address", "an address in quotes");
constinit const Kind<LogLevel> kLevel = make_kind<LogLevel, read_level, write_level>("text", "a level in quotes");
constinit const KindBase kTable = {"table", "a table", read_section, write_section};
constinit const KindBase kOnlyText = {"text", "a text in quotes", read_only_text, write_only};
constinit const KindBase kOnlyBool = {"boolean", "true or false", read_only_bool, write_only};
constinit const KindBase kOnlyTexts = {"list of texts", R"(a list of texts such as ["http/1.1"])", read_only_texts,
                                       write_only};

Node write_table(const Section& section, const void* object) {
  Node table;
  for (const Key& key : section.keys) {
    if (key.kind == nullptr) continue;
    const void* field = key.field.of_const == nullptr ? nullptr : key.field.of_const(object);
    if (field == nullptr && key.field.of_const != nullptr) continue;
    Node node = key.kind->write(key, field);
    const bool nothing = (node.kind == NodeKind::kText && node.text.empty()) ||
                         (node.kind == NodeKind::kList && node.items.empty()) ||
                         (node.kind == NodeKind::kTable && node.entries.empty());
    // What has no default is missing when it is not set; the others are there, set or not.
    if (!nothing || !key.standard.empty()) table.add(key.name, std::move(node));
  }
  return table;
}

}  // namespace rpx::config
