// Writing what was made: keys for their owner alone, nothing over a file that is there unless told to. Main thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "pki/issue.h"
#include "pki/key.h"

namespace rpx::cert {

/// "-" is standard output. Errors: kUsage when there is a file and no `force`; kIo.
Status write_public(const std::string& path, const std::string& pem, bool force);
/// The same with mode 0600.
Status write_secret(const std::string& path, const std::string& pem, bool force);

/// The first line of `path`; empty when that is. Errors: kIo.
Result<std::string> read_passphrase(const std::string& path);

/// `kind` as --kind says.
pki::KeyKind kind_of(const std::string& kind);
/// What a certificate is to say: from now on, for `life`.
pki::Wanted wanted_of(const std::vector<std::string>& names, std::optional<Duration> life, Duration standard);

}  // namespace rpx::cert
