#include "screen.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "cli/terminal.h"
#include "plan.h"

namespace rpx::bench {
namespace {

// A screen of its own without a cursor, and back.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kClearLine = "\x1b[K\r\n";
constexpr std::string_view kClearBelow = "\x1b[J";

constexpr const char* kEighths[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr double kPercents[] = {50, 75, 90, 99, 99.9};
constexpr int kIndent = 2;

std::string bar(double share, int width) {
  const int full = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * width));
  std::string out;
  for (int i = 0; i < width; ++i) out += i < full ? "█" : "░";
  return out;
}

// The last slots, as many as fit, each as high as its share of the best one.
std::string rates(const load::Summary& run, int width) {
  const auto& series = run.tally.series;
  // The slot under way is not whole yet.
  const std::size_t whole = series.empty() ? 0 : series.size() - 1;
  const std::size_t first = whole > static_cast<std::size_t>(width) ? whole - static_cast<std::size_t>(width) : 0;
  std::uint64_t best = 1;
  for (std::size_t i = first; i < whole; ++i) best = std::max(best, series[i].requests);
  std::string out;
  for (std::size_t i = first; i < whole; ++i) {
    const std::uint64_t height = (series[i].requests * 8 + best / 2) / best;
    out += kEighths[height];
  }
  return out;
}

std::string replies(const load::Tally& tally) {
  std::string out;
  for (std::size_t i = 0; i < tally.classes.size(); ++i)
    if (tally.classes[i] != 0)
      fmt::format_to(std::back_inserter(out), "{}{}xx {}", out.empty() ? "" : "   ", i, tally.classes[i]);
  return out.empty() ? "none yet" : out;
}

// Lines of text that are cut where the terminal ends.
class Page {
 public:
  Page(int columns, int rows) noexcept : columns_(columns), rows_(rows) {}
  template <class... Parts>
  void line(fmt::format_string<Parts...> format, Parts&&... parts) {
    if (used_ >= rows_) return;
    ++used_;
    text_ += std::string(kIndent, ' ') + cut(fmt::format(format, std::forward<Parts>(parts)...)) + '\n';
  }
  int width() const noexcept { return std::max(columns_ - 2 * kIndent, 0); }
  std::string take() { return std::move(text_); }

 private:
  // By characters; those of a view are one column wide.
  std::string cut(std::string text) const {
    int columns = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if ((static_cast<unsigned char>(text[i]) & 0xc0U) == 0x80U) continue;
      if (columns++ == width()) return text.substr(0, i);
    }
    return text;
  }
  int columns_;
  int rows_;
  int used_ = 0;
  std::string text_;
};

void add_latencies(Page& page, const load::Histogram& latency) {
  if (latency.count() == 0) return;
  page.line("{}", "");
  page.line("{}", "latency so far");
  const double longest = std::log10(std::max<double>(static_cast<double>(latency.max()), 10));
  const double shortest = std::log10(std::max<double>(static_cast<double>(latency.min()), 1));
  const auto row = [&](std::string_view name, double ns) {
    const double span = std::max(longest - shortest, 0.1);
    const double share = (std::log10(std::max(ns, 1.0)) - shortest) / span;
    page.line("{:<7}{:>9}  {}", name, load::time_text(ns), bar(share, std::max(page.width() - 20, 0)));
  };
  for (const double percent : kPercents)
    row(fmt::format("p{:g}", percent), static_cast<double>(latency.percentile(percent)));
  row("max", static_cast<double>(latency.max()));
}

void add_failures(Page& page, const load::Tally& tally) {
  if (tally.failed() == 0) return;
  page.line("{}", "");
  for (std::size_t i = 0; i < tally.failures.size(); ++i)
    if (tally.failures[i] != 0)
      page.line("{} {}: {}", tally.failures[i], load::name_of(static_cast<load::Failure>(i)),
                tally.examples[i].empty() ? "" : tally.examples[i].front());
}

}  // namespace

std::string screen_text(const load::Summary& run, const Stage& stage, int columns, int rows) {
  const load::Tally& tally = run.tally;
  Page page(columns, rows);
  page.line("{}", run.targets.empty() ? "" : run.targets.front());
  page.line("{}, {} connection{}, {} thread{}", run.protocol, run.connections, run.connections == 1 ? "" : "s",
            run.threads, run.threads == 1 ? "" : "s");
  const double passed = std::chrono::duration<double>(stage.passed).count();
  if (stage.whole != kForever) {
    const double whole = std::chrono::duration<double>(stage.whole).count();
    page.line("{:.0f}s of {:.0f}s  {}", passed, whole, bar(passed / whole, std::max(page.width() - 16, 0)));
  } else {
    page.line("{} of {}  {}", tally.requests, stage.requests,
              bar(static_cast<double>(tally.requests) / static_cast<double>(std::max<std::uint64_t>(stage.requests, 1)),
                  std::max(page.width() - 24, 0)));
  }
  page.line("{}", "");
  const std::size_t slots = tally.series.size();
  const double last = slots < 2 ? run.rps()
                                : static_cast<double>(tally.series[slots - 2].requests) /
                                      std::chrono::duration<double>(run.slot).count();
  page.line("requests {:<14}{:.0f}/s now, {:.0f}/s in all", tally.requests, last, run.rps());
  page.line("errors   {:<14}{:.3g}%", tally.failed(), run.error_share() * 100);
  page.line("replies  {}", replies(tally));
  page.line("{}", "");
  page.line("{}", "requests, second by second");
  page.line("{}", rates(run, page.width()));
  add_latencies(page, tally.latency);
  add_failures(page, tally);
  page.line("{}", "");
  page.line("{}", "Ctrl-C ends the run and shows what was measured");
  return page.take();
}

Screen::Screen(bool wanted) : shown_(wanted) {
  if (shown_) cli::write_stderr(kEnter);
}

Screen::~Screen() {
  if (shown_) cli::write_stderr(kLeave);
}

void Screen::draw(const load::Summary& run, const Stage& stage) const {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
    size.ws_col = 80;
    size.ws_row = 24;
  }
  std::string out(kHome);
  // A line less than there are: the last one's end would scroll.
  for (const char c : screen_text(run, stage, size.ws_col, size.ws_row - 1)) c == '\n' ? out += kClearLine : out += c;
  cli::write_stderr(out + std::string(kClearBelow));
}

}  // namespace rpx::bench
