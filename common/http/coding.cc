#include "http/coding.h"

#include "base/text.h"

namespace rpx::http {
namespace {

// Weights in thousandths; kUnsaid where the client does not speak of a coding.
constexpr int kUnsaid = -1;

/// A qvalue (RFC 9110 section 12.4.2) in thousandths; nothing where it is none.
std::optional<int> weight_of(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int weight = (text[0] - '0') * 1000;
  int place = 100;
  for (const char c : text.size() > 2 ? text.substr(2) : std::string_view()) {
    if (c < '0' || c > '9') return std::nullopt;
    weight += (c - '0') * place;
    place /= 10;
  }
  return weight > 1000 ? std::nullopt : std::optional(weight);
}

struct Weights {
  std::array<int, 4> of{kUnsaid, kUnsaid, kUnsaid, kUnsaid};  // by Coding
  int star = kUnsaid;

  int weight(Coding coding) const noexcept {
    const int own = of[static_cast<std::size_t>(coding)];
    return own == kUnsaid ? star : own;
  }
};

/// One member of the list: "gzip;q=0.5". A malformed weight takes the member out: better plain than unreadable.
void read_member(std::string_view member, Weights& weights) noexcept {
  const std::size_t semicolon = member.find(';');
  const std::string_view name = trim(member.substr(0, semicolon));
  int weight = 1000;
  if (semicolon != std::string_view::npos) {
    const std::string_view parameter = trim(member.substr(semicolon + 1));
    if (parameter.size() < 2 || to_lower(parameter[0]) != 'q' || parameter[1] != '=') return;
    const std::optional<int> given = weight_of(parameter.substr(2));
    if (!given) return;
    weight = *given;
  }
  if (name == "*") {
    weights.star = weight;
    return;
  }
  if (const std::optional<Coding> coding = coding_of(name)) weights.of[static_cast<std::size_t>(*coding)] = weight;
}

}  // namespace

std::string_view name_of(Coding coding) noexcept {
  switch (coding) {
    case Coding::kGzip: return "gzip";
    case Coding::kBr: return "br";
    case Coding::kZstd: return "zstd";
    case Coding::kIdentity: break;
  }
  return "identity";
}

std::optional<Coding> coding_of(std::string_view name) noexcept {
  if (iequals(name, "gzip") || iequals(name, "x-gzip")) return Coding::kGzip;
  if (iequals(name, "br")) return Coding::kBr;
  if (iequals(name, "zstd")) return Coding::kZstd;
  if (iequals(name, "identity")) return Coding::kIdentity;
  return std::nullopt;
}

Coding choose_coding(const Headers& request, std::span<const Coding> preference) noexcept {
  Weights weights;
  for (const Field& field : request) {
    if (field.id != FieldId::kAcceptEncoding) continue;
    std::string_view rest = field.value;
    for (;;) {
      const std::size_t comma = rest.find(',');
      read_member(trim(rest.substr(0, comma)), weights);
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  Coding best = Coding::kIdentity;
  int most = 0;
  for (const Coding coding : preference)
    if (const int weight = weights.weight(coding); weight > most) {
      best = coding;
      most = weight;
    }
  // Identity counts against the others only where the client gives it a weight of its own.
  return weights.of[static_cast<std::size_t>(Coding::kIdentity)] > most ? Coding::kIdentity : best;
}

}  // namespace rpx::http
