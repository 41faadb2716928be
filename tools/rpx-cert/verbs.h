// The verbs of rpx-cert; main.cc lists them. Each adds its declaration, whose action is the verb itself. Main thread.
#pragma once

#include "cli/app.h"

namespace rpx::cert {

inline constexpr const char* kTool = "rpx-cert";

void add_inspect(cli::App& app);
void add_check(cli::App& app);
void add_list(cli::App& app);
/// key, csr and self-signed.
void add_make(cli::App& app);
/// ca init and ca issue.
void add_ca(cli::App& app);
void add_trust(cli::App& app);
/// acme issue, acme renew and acme revoke.
void add_acme(cli::App& app);
void add_ocsp(cli::App& app);
void add_lab(cli::App& app);
void add_reload(cli::App& app);

}  // namespace rpx::cert
