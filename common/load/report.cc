#include "load/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/units.h"

namespace rpx::load {
namespace {

constexpr double kWide = 860;
constexpr double kHigh = 220;
constexpr double kLeft = 64;
constexpr double kBottom = 28;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\n') out += c;
    }
  }
  return out;
}

struct Line {
  std::string name;
  std::string color;
  std::vector<double> values;
};

// "1", "2" or "5" times a power of ten: a step that makes about four marks up to `most`.
double step_for(double most) noexcept {
  const double rough = most / 4;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double one : {1.0, 2.0, 5.0})
    if (one * power >= rough) return one * power;
  return 10 * power;
}

std::string short_number(double value) {
  if (value >= 1e6) return fmt::format("{:g}M", value / 1e6);
  return value >= 1e3 ? fmt::format("{:g}k", value / 1e3) : fmt::format("{:g}", value);
}

// Values from left to right over marks that `label` names by their place.
template <class Label>
std::string plot(std::string_view title, std::string_view unit, const std::vector<Line>& lines, Label label) {
  std::size_t count = 0;
  double most = 0;
  for (const Line& line : lines) {
    count = std::max(count, line.values.size());
    for (const double value : line.values) most = std::max(most, value);
  }
  if (count == 0) return {};
  if (most <= 0) most = 1;
  const auto x = [&](std::size_t i) {
    return kLeft + (count == 1 ? 0.5 : static_cast<double>(i) / static_cast<double>(count - 1)) * (kWide - kLeft - 30);
  };
  const auto y = [&](double value) { return kHigh - kBottom - value / (most * 1.05) * (kHigh - kBottom - 12); };
  std::string out = fmt::format("<figure><figcaption>{} <small>{}</small>", escaped(title), escaped(unit));
  for (const Line& line : lines)
    out += fmt::format("<span style=\"color:{}\">● {}</span>", line.color, escaped(line.name));
  out += fmt::format("</figcaption><svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">", kWide, kHigh,
                     escaped(title));
  const double step = step_for(most);
  for (double mark = 0; mark <= most * 1.05; mark += step)
    fmt::format_to(
        std::back_inserter(out),
        "<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" class=\"grid\"/><text x=\"{3}\" y=\"{4:.1f}\" "
        "text-anchor=\"end\">{5}</text>",
        kLeft, kWide - 30, y(mark), kLeft - 6, y(mark) + 4, short_number(mark));
  const std::size_t every = std::max<std::size_t>(1, count / 8);
  for (std::size_t i = 0; i < count; i += every)
    fmt::format_to(std::back_inserter(out), "<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>", x(i),
                   kHigh - 8, label(i));
  for (const Line& line : lines) {
    out += fmt::format("<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"2\" points=\"", line.color);
    for (std::size_t i = 0; i < line.values.size(); ++i)
      fmt::format_to(std::back_inserter(out), "{:.1f},{:.1f} ", x(i), y(line.values[i]));
    out += "\"/>";
    for (std::size_t i = 0; i < line.values.size() && count <= 120; ++i)
      fmt::format_to(
          std::back_inserter(out),
          "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"><title>{}, {}: {:.6g} {}</title></circle>", x(i),
          y(line.values[i]), line.color, label(i), escaped(line.name), line.values[i], escaped(unit));
  }
  return out + "</svg></figure>\n";
}

std::string plots(const Summary& run) {
  Line rps{"requests/s", "#2563eb", {}};
  Line failed{"errors/s", "#dc2626", {}};
  Line p50{"p50", "#059669", {}};
  Line p99{"p99", "#d97706", {}};
  Line most{"max", "#9333ea", {}};
  const double step = std::chrono::duration<double>(run.slot).count();
  std::size_t count = run.tally.series.size();
  // The last moment is a part of one.
  if (count > 2) --count;
  for (std::size_t i = 0; i < count; ++i) {
    const Slot& slot = run.tally.series[i];
    rps.values.push_back(static_cast<double>(slot.requests) / step);
    failed.values.push_back(static_cast<double>(slot.failures) / step);
    p50.values.push_back(static_cast<double>(slot.latency.percentile(50)) / 1e6);
    p99.values.push_back(static_cast<double>(slot.latency.percentile(99)) / 1e6);
    most.values.push_back(static_cast<double>(slot.latency.max()) / 1e6);
  }
  const auto second = [step](std::size_t i) { return fmt::format("{:g}s", static_cast<double>(i) * step); };
  std::string out = plot("Throughput", "a second", {rps}, second);
  out += plot("Latency over time", "ms", {most, p99, p50}, second);
  if (run.tally.failed() != 0) out += plot("Errors", "a second", {failed}, second);
  constexpr std::array<double, 12> kPercents{1, 10, 25, 50, 75, 90, 95, 98, 99, 99.5, 99.9, 99.99};
  Line latency{run.open_loop ? "from when due" : "latency", "#2563eb", {}};
  Line raw{"from sending", "#94a3b8", {}};
  for (const double percent : kPercents) {
    latency.values.push_back(static_cast<double>(run.tally.latency.percentile(percent)) / 1e6);
    raw.values.push_back(static_cast<double>(run.tally.raw.percentile(percent)) / 1e6);
  }
  const auto percent = [&kPercents](std::size_t i) { return fmt::format("p{:g}", kPercents[i]); };
  out += plot("Percentiles", "ms", run.open_loop ? std::vector{latency, raw} : std::vector{latency}, percent);
  return out;
}

std::string cards(const Summary& run) {
  std::string out = "<div class=\"cards\">";
  const auto card = [&out](std::string_view name, const std::string& value, bool bad = false) {
    out += fmt::format("<div{}><b>{}</b><span>{}</span></div>", bad ? " class=\"bad\"" : "", value, name);
  };
  card("requests", fmt::format("{}", run.tally.requests));
  card("requests/s", fmt::format("{:.1f}", run.rps()));
  for (const double percent : {50.0, 90.0, 99.0, 99.9})
    card(fmt::format("p{:g}", percent), time_text(static_cast<double>(run.tally.latency.percentile(percent))));
  card("max", time_text(static_cast<double>(run.tally.latency.max())));
  card("errors", fmt::format("{} ({:.3g}%)", run.tally.failed(), run.error_share() * 100), run.tally.failed() != 0);
  return out + "</div>\n";
}

std::string findings(const Summary& run, const std::vector<Assertion>& assertions) {
  std::string out;
  for (const Assertion& assertion : assertions) {
    const Assertion::Outcome outcome = assertion.check(run);
    out += fmt::format("<p class=\"{}\">{} {}</p>\n", outcome.holds ? "good" : "bad", outcome.holds ? "✓" : "✗",
                       escaped(outcome.text));
  }
  for (const std::string& warning : run.warnings) out += fmt::format("<p class=\"warn\">⚠ {}</p>\n", escaped(warning));
  for (std::size_t kind = 0; kind < kFailures; ++kind) {
    if (run.tally.failures[kind] == 0) continue;
    out += fmt::format("<h3>{}: {}</h3><ul>", name_of(static_cast<Failure>(kind)), run.tally.failures[kind]);
    for (const std::string& example : run.tally.examples[kind]) out += fmt::format("<li>{}</li>", escaped(example));
    out += "</ul>\n";
  }
  return out;
}

constexpr std::string_view kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:900px;padding:0 "
    "1rem;color:#0f172a;background:#fff}"
    "h1{font-size:1.3rem;margin:0}h3{margin:.8rem 0 0;color:#dc2626;font-size:1rem}"
    ".cards{display:flex;flex-wrap:wrap;gap:.6rem;margin:1rem 0}.cards div{border:1px solid #e2e8f0;border-radius:8px;"
    "padding:.5rem .9rem;min-width:5rem}.cards b{display:block;font-size:1.15rem}.cards span,small,.meta{color:#64748b}"
    ".bad,.bad b{color:#dc2626}.good{color:#059669}.warn{color:#b45309}p{margin:.2rem 0}figure{margin:1.2rem 0}"
    "figcaption{font-weight:600}figcaption span{font-weight:400;margin-left:1rem}svg{width:100%;height:auto}"
    "svg text{font-size:11px;fill:#64748b}.grid{stroke:#e2e8f0}"
    "@media(prefers-color-scheme:dark){body{background:#0f172a;color:#e2e8f0}.cards div{border-color:#334155}"
    ".grid{stroke:#334155}}";

}  // namespace

std::string to_html(const Summary& run, const std::vector<Assertion>& assertions) {
  const std::string title = run.targets.empty() ? "rpx-bench" : escaped(run.targets.front());
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>{}</title><style>{}</style></head><body>\n<h1>{}</h1>\n",
      title, kStyle, title);
  for (std::size_t i = 1; i < run.targets.size() && i < 10; ++i)
    out += fmt::format("<p>{}</p>", escaped(run.targets[i]));
  out += fmt::format("<p class=\"meta\">{}, {:.2f}s, {} connections, {} threads, {}, {}{}</p>\n",
                     format_rfc3339(run.started), run.seconds(), run.connections, run.threads, run.protocol,
                     run.open_loop ? fmt::format("open loop at {:g}/s", run.rate) : "closed loop",
                     run.interrupted.empty() ? "" : ", ended by " + run.interrupted);
  out += cards(run);
  out += findings(run, assertions);
  out += plots(run);
  return out + "<p class=\"meta\">rpx-bench " RPX_VERSION "</p></body></html>\n";
}

std::string to_junit(const Summary& run, const std::vector<Assertion>& assertions) {
  const std::string suite = run.targets.empty() ? "rpx-bench" : escaped(run.targets.front());
  std::string cases;
  int failed = 0;
  const auto add = [&](std::string_view name, bool holds, std::string_view text) {
    failed += holds ? 0 : 1;
    cases +=
        fmt::format("    <testcase classname=\"rpx-bench\" name=\"{}\" time=\"{:.3f}\">{}</testcase>\n", escaped(name),
                    run.seconds(), holds ? "" : fmt::format("<failure message=\"{}\"/>", escaped(text)));
  };
  for (const Assertion& assertion : assertions) {
    const Assertion::Outcome outcome = assertion.check(run);
    add(assertion.text(), outcome.holds, outcome.text);
  }
  if (assertions.empty())
    add("no errors", run.tally.failed() == 0 && run.tally.requests != 0,
        fmt::format("{} errors, {} requests", run.tally.failed(), run.tally.requests));
  const std::size_t count = std::max<std::size_t>(assertions.size(), 1);
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" "
      "time=\"{:.3f}\" timestamp=\"{}\">\n{}  </testsuite>\n</testsuites>\n",
      suite, count, failed, run.seconds(), format_rfc3339(run.started), cases);
}

}  // namespace rpx::load
