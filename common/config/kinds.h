// The types of configuration values: how each is read and written. Constant data, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/log.h"
#include "base/units.h"
#include "config/key.h"
#include "policy/options.h"
#include "upstream/options.h"

namespace rpx::config {

extern const Kind<bool> kBool;
extern const Kind<std::uint32_t> kCount;
extern const Kind<std::uint16_t> kStatus;
extern const Kind<Duration> kDuration;
extern const Kind<Size> kSize;
extern const Kind<Size> kByteRate;
extern const Kind<std::uint32_t> kPerSecond;
extern const Kind<Rate> kRate;     // "30/m"
extern const Kind<double> kShare;  // "20%"
extern const Kind<std::string> kText;
extern const Kind<std::string> kSecret;    // a text that is not shown again
extern const Kind<std::string> kPath;      // made absolute
extern const Kind<std::string> kFilePath;  // of a file, made absolute; "" = none
extern const Kind<std::string> kFolder;    // made absolute, without a slash at its end
extern const Kind<std::string> kLogFile;   // one of the choices, or a path
extern const Kind<std::string> kAddress;   // of a listener or a server; a Unix socket's path is made absolute
extern const Kind<LogLevel> kLevel;
extern const Kind<std::vector<std::string>> kTexts;  // replaces what a default gave
extern const Kind<std::vector<std::string>> kNames;  // header names; adds to what a default gave
extern const Kind<std::vector<IpPrefix>> kPrefixes;
extern const Kind<policy::NameValues> kNameValues;  // merges with what a default gave, name by name
extern const Kind<policy::SplitOptions> kWeights;
extern const Kind<policy::ErrorPageOptions> kErrorPages;
extern const Kind<std::vector<upstream::ServerOptions>> kServers;

/// A table of its own; the row names the section.
extern const KindBase kTable;
/// Rows without a member: anything but the default is not yet supported.
extern const KindBase kOnlyText;
extern const KindBase kOnlyBool;
extern const KindBase kOnlyTexts;

/// A table of all set members of `object`: how kTable and the lists of tables are written.
Node write_table(const Section& section, const void* object);

}  // namespace rpx::config
