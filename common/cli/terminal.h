// What stands at the other end of stdout and stderr, and writing to it: whole answers on stdout, one-line errors and
// progress on stderr. Called by verbs on the main thread.
#pragma once

#include <string>
#include <string_view>

namespace rpx::cli {

enum class ColorWhen { kAuto, kAlways, kNever };

bool stdout_is_terminal() noexcept;
bool stderr_is_terminal() noexcept;
/// Whether to colour what goes to a stream that is (or is not) a terminal. kAuto honours NO_COLOR and TERM=dumb.
bool use_color(ColorWhen when, bool is_terminal) noexcept;

/// Writes all of `text` to stdout at once. A reader that has gone ends the process quietly, as SIGPIPE would.
/// What cannot be written for another reason, such as a full disk, is lost: see stdout_error().
void write_stdout(std::string_view text);
/// The errno value of the first write to stdout that failed; 0 when none has. App::run() turns it into an exit status.
int stdout_error() noexcept;
/// Writes `text` to stderr; failure is ignored, there is nobody left to tell.
void write_stderr(std::string_view text) noexcept;

/// One line on a terminal that is written over until done; nothing at all without a terminal.
class Progress {
 public:
  /// `wanted` false (-q, --no-progress) prints nothing.
  explicit Progress(bool wanted) noexcept;
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `text` is shorter than the line and holds no control characters.
  void show(std::string_view text);
  /// Takes the line away.
  void clear();

 private:
  bool enabled_;
  bool shown_ = false;
};

}  // namespace rpx::cli
