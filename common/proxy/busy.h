// Busy: all that an exchange in progress needs and an idle connection does not. A worker keeps a few and lends
// one to a connection from a request's first byte until nothing more is there. One thread.
#pragma once

#include <memory>
#include <vector>

#include "cache/entry.h"
#include "http/body.h"
#include "http/h1_server.h"
#include "http/replay_body.h"
#include "http/server_call.h"
#include "proxy/trail.h"
#include "rt/child.h"
#include "upstream/pool.h"

namespace rpx::proxy {

class Site;
class RequestCoding;
class MirrorCopy;

/// A site as one worker serves it: the compiled snapshot and this worker's pools for its upstreams.
struct LiveSite {
  std::shared_ptr<const Site> site;
  std::vector<std::shared_ptr<upstream::Pool>> pools;  ///< by index of Site::upstreams
};

/// A reply's body that is being stored on its way; others may be reading along.
class FilledBody : public http::BodySource {
 public:
  /// The client is gone, and whoever reads this with it: the rest is read for the others, if there are any.
  virtual void hand_over() = 0;
};

struct Busy {
  explicit Busy(rt::Loop& loop) : exchange(h1), call(loop), upload(loop), pump(loop), interrupt(*this) {}
  /// For an exchange that is somebody else's: a stream of HTTP/2.
  Busy(rt::Loop& loop, http::Exchange& other)
      : exchange(other), call(loop), upload(loop), pump(loop), interrupt(*this) {}

  /// Ends what is going on with servers, and lets go of them.
  void leave_servers() noexcept {
    upload.cancel();
    pump.cancel();
    coding.reset();
    mirror.reset();
    call.release();
    out.release();
    lease.drop();
    place.release();
  }

  /// Ends what is going on and lets go of every connection and buffer.
  void reset() noexcept {
    leave_servers();
    kept.reset();
    // A stream of HTTP/2 lets go of itself.
    if (&exchange == &h1) h1.release();
    live.reset();
    fill = nullptr;
    entry.reset();
    // The rest of the trail is overwritten when the next one begins.
    trail.server.reset();
    trail.failure.reset();
    awaits_head = false;
  }

  /// Wakes the task that waits for a reply, when the upload beside it has ended.
  struct Interrupt final : rt::Soon {
    explicit Interrupt(Busy& owner) noexcept : busy(owner) {}
    void run() override {
      if (busy.awaits_head && busy.lease) busy.call.interrupt();
    }
    Busy& busy;
  };

  std::shared_ptr<const LiveSite> live;
  http::H1Exchange h1;       ///< what `exchange` is on an HTTP/1 connection
  http::Exchange& exchange;  ///< the request and its reply
  http::ServerCall call;
  upstream::Place place;  ///< at the server, where it has max_connections
  upstream::Lease lease;
  std::shared_ptr<RequestCoding> coding;  ///< where the request's body changes on its way; mostly null
  std::shared_ptr<MirrorCopy> mirror;     ///< a copy of the request that waits for the rest of its body; mostly null
  rt::Child<Status> upload;
  rt::Child<Status> pump;  ///< reads a reply that is being stored at the server's speed
  Interrupt interrupt;
  http::Headers out;        ///< fields of the message being written
  std::string_view replay;  ///< the request's whole body, when it was short enough to be kept
  bool has_replay = false;
  std::unique_ptr<http::ReplayBody> kept;  ///< the same for one that comes in pieces; null mostly
  http::BodyPiece first;                   ///< what of the reply's body came with its head; as short-lived as any piece
  bool awaits_head = false;                ///< the reply's head is being waited for: an upload that ends then is news

  /// The whole request can be sent again: its body is kept, or none of it was taken from the client yet.
  bool replayable() const noexcept {
    return has_replay || !exchange.body_touched() || (kept && kept->can_begin_again());
  }
  FilledBody* fill = nullptr;  ///< what the reply's body is read through while it is stored; null: directly
  cache::EntryPtr entry;       ///< the stored reply that `out` has views into
  http::BodySource& reply_body() noexcept { return fill ? static_cast<http::BodySource&>(*fill) : call.reader(); }
  Trail trail;
};

}  // namespace rpx::proxy
