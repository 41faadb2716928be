// What nghttp2 allocates by: some ten small blocks a stream, which come and go on the thread of their connection, from
// that thread's pool of frames (rt/frame_pool.h) instead of the heap.
#pragma once

#include <nghttp2/nghttp2.h>

namespace rpx::http {

/// For nghttp2_session_server_new3() and its like. The session is used and destroyed on the thread that made it.
nghttp2_mem* h2_memory() noexcept;

}  // namespace rpx::http
