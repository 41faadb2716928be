#include "cache/languages.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "base/text.h"

namespace rpx::cache {
namespace {

constexpr int kFullWeight = 1000;

struct Language {
  int weight;  // thousandths
  std::string range;
};

// "0.5" as 500; what is no weight counts as a full one.
int weight_of(std::string_view text) noexcept {
  const std::size_t dot = text.find('.');
  const auto whole = parse_uint(text.substr(0, dot));
  if (!whole || *whole >= 1) return kFullWeight;
  int weight = 0;
  int digit = 100;
  for (const char c : dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1)) {
    if (c < '0' || c > '9') return kFullWeight;
    weight += (c - '0') * digit;
    digit /= 10;
  }
  return weight;
}

std::vector<Language> languages_in(std::string_view list) {
  std::vector<Language> out;
  for (const std::string_view member : split(list, ',')) {
    const auto parts = split(trim(member), ';');
    Language one{kFullWeight, lower(trim(parts.front()))};
    if (one.range.empty()) continue;
    for (const std::string_view part : std::span(parts).subspan(1))
      if (const std::string_view parameter = trim(part); iequals(parameter.substr(0, 2), "q="))
        one.weight = weight_of(parameter.substr(2));
    out.push_back(std::move(one));
  }
  std::ranges::sort(out, [](const Language& a, const Language& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.range < b.range;
  });
  return out;
}

}  // namespace

std::string normal_languages(std::string_view list) {
  std::string out;
  for (const Language& one : languages_in(list)) {
    if (!out.empty()) out += ',';
    out += one.range;
    if (one.weight != kFullWeight) out += fmt::format(";q=0.{:03}", one.weight);
  }
  return out;
}

std::string best_language(std::string_view list) {
  const std::vector<Language> all = languages_in(list);
  if (all.empty() || all.front().weight == 0 || all.front().range == "*") return {};
  if (all.size() > 1 && all[1].weight == all[0].weight) return {};
  return all.front().range;
}

}  // namespace rpx::cache
