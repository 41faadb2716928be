// Connections of the proxy to itself, past its listeners: how its own requests, such as those that warm a cache, take
// the way that those of clients take. Any thread.
#pragma once

#include <memory>
#include <span>

#include "base/error.h"
#include "net/fd.h"

namespace rpx::proxy {

class Worker;
using Workers = std::span<const std::unique_ptr<Worker>>;

/// A socket whose other end one of `workers`, each in turn, serves as a client at 127.0.0.1, whose X-Forwarded-Proto is
/// believed. Errors: kIo.
Result<net::UniqueFd> connect_inside(Workers workers);

}  // namespace rpx::proxy
