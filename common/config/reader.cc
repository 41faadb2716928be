#include "config/reader.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"
#include "config/files.h"
#include "config/kinds.h"

namespace rpx::config {
namespace {

const Key* row_of(std::span<const Key> keys, std::string_view name) {
  for (const Key& key : keys)
    if (key.name == name) return &key;
  return nullptr;
}

std::string suggestion(std::string_view word, std::span<const std::string_view> known) {
  const std::string_view near = did_you_mean(word, known);
  return near.empty() ? std::string() : fmt::format("; did you mean \"{}\"?", near);
}

std::vector<std::string_view> words_of(std::string_view text) {
  return text.empty() ? std::vector<std::string_view>() : split(text, ' ');
}

/// `"a", "b" or "c"`.
std::string alternatives(std::span<const std::string_view> words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += fmt::format("\"{}\"", words[i]);
  }
  return out;
}

std::string header_of(const Section& section) {
  switch (section.shape) {
    case Shape::kTables: return fmt::format("[[{}]]", section.name);
    case Shape::kNamed: return fmt::format("[{}.NAME]", section.name);
    case Shape::kTable: break;
  }
  return fmt::format("[{}]", section.name);
}

}  // namespace

std::string not_yet(std::string_view what) {
  return fmt::format("{} is not yet supported by this version of rpx", what);
}

void Reader::read_table(const Section& section, const Node& table, void* object) {
  RPX_CHECK(section.keys.size() <= kAllKeys);
  std::array<const Entry*, kAllKeys> entries{};
  std::vector<std::string_view> meant;
  for (const Entry& entry : table.entries) {
    const Key* key = row_of(section.keys, entry.name);
    if (key == nullptr || key->kind == nullptr) {
      meant.push_back(unknown_key(section, entry));
      continue;
    }
    const Entry*& first = entries[static_cast<std::size_t>(key - section.keys.data())];
    if (first != nullptr)
      report_.error(entry.at, fmt::format("\"{}\" is given twice: first at {}", key->name, report_.place(first->at)));
    else
      first = &entry;
  }
  for (std::size_t i = 0; i < section.keys.size(); ++i) {
    const Key& key = section.keys[i];
    if (entries[i] != nullptr)
      read_value(key, entries[i]->node, object);
    else if (key.extra.required && std::ranges::find(meant, key.name) == meant.end())
      report_.error(table.at, fmt::format("{} needs \"{}\", such as {} = {}", header_of(section), key.name, key.name,
                                          key.extra.example));
  }
  if (section.check != nullptr) section.check(*this, table, object);
}

void Reader::read_value(const Key& key, const Node& node, void* object) {
  if (node.broken) return;
  key.kind->read(*this, key, node, key.field.of == nullptr ? nullptr : key.field.of(object));
}

std::string_view Reader::unknown_key(const Section& section, const Entry& entry) {
  if (row_of(section.keys, entry.name) != nullptr) {
    report_.error(entry.at, not_yet(in_quotes(entry.name)));
    return {};
  }
  if (row_of(section.elsewhere, entry.name) != nullptr) {
    report_.error(entry.at, fmt::format("\"{}\" {}", entry.name, section.where));
    return {};
  }
  std::string_view near;
  if (report_.errors() < kMostSuggestions) {
    std::vector<std::string_view> known;
    for (const Key& key : section.keys) known.push_back(key.name);
    near = did_you_mean(entry.name, known);
  }
  std::string message = fmt::format("unknown key {}", in_quotes(entry.name));
  if (!near.empty()) message += fmt::format("; did you mean \"{}\"?", near);
  if (near.empty() && entry.name == "include") message += " here: it stands above the first [section]";
  report_.error(entry.at, std::move(message));
  return near;
}

void Reader::wrong_type(const Key& key, const Node& node) {
  report_.error(node.at, fmt::format("\"{}\" must be {}, not {}", key.name, key.kind->wants, name_of(node.kind)));
}

void Reader::bad_value(const Key& key, const Node& node, std::string_view complaint) {
  // Messages go to logs and terminals.
  if (key.kind == &kSecret) return report_.error(node.at, fmt::format("bad {}: {}", key.name, complaint));
  const std::string value = node.kind == NodeKind::kText || node.loose ? in_quotes(node.text) : to_toml_value(node);
  report_.error(node.at, fmt::format("bad {} {}: {}", key.name, value, complaint));
}

bool Reader::check_text(const Key& key, const Node& node, std::string_view text) {
  const std::vector<std::string_view> choices = words_of(key.extra.choices);
  const std::vector<std::string_view> later = words_of(key.extra.later);
  if (std::ranges::find(choices, text) != choices.end()) return true;
  if (std::ranges::find(later, text) != later.end()) {
    report_.error(node.at, not_yet(fmt::format("{} {}", key.name, in_quotes(text))));
    return false;
  }
  if (key.extra.check == nullptr && choices.empty()) return true;
  Complaint complaint;
  if (key.extra.check != nullptr) {
    complaint = key.extra.check(text);
    if (!complaint) return true;
  } else {
    complaint = "expected " + alternatives(choices);
  }
  bad_value(key, node, *complaint + (choices.empty() ? std::string() : suggestion(text, choices)));
  return false;
}

void Reader::error_at(const Node& table, std::initializer_list<std::string_view> names, std::string message) {
  const Node* node = &table;
  for (std::string_view name : names) {
    const Entry* entry = node->find(name);
    if (entry == nullptr) break;
    node = &entry->node;
  }
  report_.error(node->at, std::move(message));
}

std::string Reader::absolute(const Node& node, std::string_view path) const {
  return absolute_path(path, report_.source(node.at.source).directory);
}

}  // namespace rpx::config
