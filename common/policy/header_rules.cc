#include "policy/header_rules.h"

#include <fmt/format.h>

#include "base/result.h"
#include "base/text.h"
#include "policy/field_name.h"

namespace rpx::policy {
namespace {

using http::FieldId;

enum class Change : std::uint8_t { kRemove, kSet, kAdd };

/// Fields that belong to one connection or say where a body ends; each side writes its own.
bool is_connection_field(FieldId id) noexcept {
  switch (id) {
    case FieldId::kConnection:
    case FieldId::kContentLength:
    case FieldId::kTransferEncoding:
    case FieldId::kTe:
    case FieldId::kTrailer:
    case FieldId::kUpgrade:
    case FieldId::kKeepAlive:
    case FieldId::kProxyConnection:
    case FieldId::kHttp2Settings: return true;
    default: return false;
  }
}

Status check_name(std::string_view name, Change change, TemplateUse use) {
  if (!is_token(name)) return self_error(ErrorKind::kConfig, fmt::format("\"{}\" is not a field name", name));
  const FieldId id = http::field_id(name);
  if (is_connection_field(id))
    return self_error(ErrorKind::kConfig,
                      fmt::format("{} frames the message on its connection; rpx writes it itself on each side", name));
  if (id == FieldId::kHost && (use != TemplateUse::kRequest || change != Change::kSet))
    return self_error(ErrorKind::kConfig, "Host can only be set, and only on requests: each has exactly one");
  return {};
}

/// Makes a field value of what was rendered into `text`: nothing a client sent may end the line or start another.
std::string_view clean(std::string& text) noexcept {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return trim(text);
}

}  // namespace

Result<HeaderRules> HeaderRules::compile(const HeaderRuleOptions& options, TemplateUse use) {
  HeaderRules out;
  const auto name_of = [](const std::string& name) { return Name{name, http::field_id(name)}; };
  const auto compile_all = [&](const NameValues& pairs, Change change) -> Status {
    for (const auto& [name, value] : pairs) {
      RPX_TRY_VOID(check_name(name, change, use));
      if (has_control(value))
        return self_error(ErrorKind::kConfig, fmt::format("the value of {} holds a control character", name));
      auto compiled = TextTemplate::parse(trim(value), use);
      if (!compiled) return self_error(ErrorKind::kConfig, fmt::format("{}: {}", name, compiled.error().detail));
      out.needs_values_ |= !compiled->is_literal();
      out.written_.push_back({name_of(name), *std::move(compiled), change == Change::kSet});
    }
    return {};
  };
  for (const std::string& name : options.remove) {
    RPX_TRY_VOID(check_name(name, Change::kRemove, use));
    out.removed_.push_back(name_of(name));
  }
  RPX_TRY_VOID(compile_all(options.set, Change::kSet));
  RPX_TRY_VOID(compile_all(options.add, Change::kAdd));
  return out;
}

void HeaderRules::apply(http::Headers& headers, Arena& arena, const Values& values) const {
  const auto take_out = [&headers](const Name& name) {
    if (name.id == FieldId::kOther)
      headers.remove(name.text);
    else
      headers.remove(name.id);
  };
  for (const Name& name : removed_) take_out(name);
  for (const Write& write : written_) {
    std::string_view value = write.value.literal();
    if (!write.value.is_literal()) {
      // A worker renders one value at a time, so one scratch string a thread saves the allocation.
      thread_local std::string scratch;
      scratch.clear();
      write.value.render(scratch, [&](const TemplatePart& part, std::string& to) { append_value(to, part, values); });
      value = arena.copy(clean(scratch));
    }
    if (write.replace) take_out(write.name);
    if (!value.empty()) headers.add(write.name.id, write.name.text, value);
  }
}

}  // namespace rpx::policy
