#include "ready.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/result.h"
#include "control/json.h"
#include "control/views.h"
#include "file.h"

namespace rpx::serve {

std::string url_of(const proxy::ListenerView& listener) {
  const std::string& address = listener.address;
  if (address.starts_with("unix:")) return {};
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return {};
  std::string host = address.substr(0, colon);
  if (host.empty() || host == "0.0.0.0" || host == "[::]") host = "localhost";
  const std::string_view scheme = listener.tcp ? "tcp" : listener.tls ? "https" : "http";
  return fmt::format("{}://{}{}", scheme, host, address.substr(colon));
}

std::string first_url(const Ready& ready) {
  for (const proxy::ListenerView& listener : ready.listeners) {
    if (std::string url = url_of(listener); !url.empty() && !listener.tcp) return url;
  }
  return {};
}

std::string ready_json(const Ready& ready) {
  control::Json json;
  json.open_object().member("event", "ready").member("pid", ready.pid).member("version", RPX_VERSION);
  json.key("listeners").open_array();
  for (const proxy::ListenerView& listener : ready.listeners) control::write_listener(json, listener);
  json.close_array().key("control");
  ready.control.empty() ? json.null() : json.value(std::string_view(ready.control));
  const std::string url = first_url(ready);
  json.key("url");
  url.empty() ? json.null() : json.value(std::string_view(url));
  json.close_object();
  return json.take();
}

std::vector<std::pair<std::string, std::string>> ready_environment(const Ready& ready) {
  std::vector<std::pair<std::string, std::string>> out;
  out.emplace_back("RPX_PID", std::to_string(ready.pid));
  if (!ready.control.empty()) {
    out.emplace_back("RPX_CONTROL", ready.control);
    out.emplace_back("RPX_SOCKET", ready.control);
  }
  const std::string url = first_url(ready);
  if (!url.empty()) out.emplace_back("RPX_URL", url);
  if (!ready.listeners.empty()) {
    out.emplace_back("RPX_ADDR", url.empty() ? ready.listeners.front().address : url.substr(url.find("://") + 3));
  }
  for (const proxy::ListenerView& listener : ready.listeners) {
    std::string name = "RPX_URL_";
    for (const char c : listener.name) {
      const bool is_lower = c >= 'a' && c <= 'z';
      const bool is_word = is_lower || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      name += is_lower ? static_cast<char>(c & ~0x20) : (is_word ? c : '_');
    }
    if (std::string one = url_of(listener); !one.empty()) out.emplace_back(std::move(name), std::move(one));
  }
  return out;
}

Status write_ready_fd(int fd, const std::string& line) {
  const std::string text = line + '\n';
  const ssize_t count = ::write(fd, text.data(), text.size());
  const int code = errno;
  // The standard streams may carry more than this line.
  if (fd > STDERR_FILENO) ::close(fd);
  if (count == static_cast<ssize_t>(text.size())) return {};
  return self_error(ErrorKind::kIo, fmt::format("--ready-fd {}: {}", fd, errno_text("write", code)));
}

ReadyFile::~ReadyFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Status ReadyFile::write(const std::string& path, const std::string& line) {
  RPX_TRY_VOID(replace_file(path, line + '\n'));
  path_ = path;
  return {};
}

}  // namespace rpx::serve
