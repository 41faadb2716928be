// What a monitoring system's plugin says and returns: one line with performance data, and the plugin's own exit
// statuses (Monitoring Plugins Development Guidelines). Used by the verbs that have --nagios, on the main thread.
#pragma once

#include <string>
#include <vector>

#include "servers.h"

namespace rpx::check {

enum class PluginStatus : std::uint8_t { kOk = 0, kWarning = 1, kCritical = 2, kUnknown = 3 };

/// Writes the line and returns the exit status. `performance` may be empty.
int report_plugin(PluginStatus status, const std::string& text, const std::string& performance = "");

/// An error instead of an answer: a proxy that cannot be reached is critical, what else may go wrong says nothing of
/// the servers.
int report_plugin(const Error& error);

/// What is to be said of `rows`: critical where an upstream has no server that is up, a warning where another state
/// than "up" is about, and the exchanges of each server.
int report_plugin(const std::vector<ServerRow>& rows);

/// A label of performance data: in quotes, without the characters that have a meaning there.
std::string plugin_label(std::string_view text);

}  // namespace rpx::check
