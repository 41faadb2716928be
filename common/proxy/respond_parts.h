// What the files of hop 11 share: the fields every reply of ours carries, and a reply whose body is at hand. For
// respond.cc and the files beside it. On the worker's thread.
#pragma once

#include <optional>

#include "policy/values.h"
#include "proxy/connection.h"
#include "proxy/cut_sink.h"
#include "proxy/paced_sink.h"
#include "proxy/site.h"

namespace rpx::proxy {

/// What templates may ask for; `route` may be null. Views live as long as the exchange.
policy::Values values_of(ClientConnection& connection, Busy& busy, const Route* route, std::uint16_t status);
/// Puts the fields that every reply of ours carries into busy.out, and applies the route's own rules; `route` may be
/// null.
void complete_headers(ClientConnection& connection, Busy& busy, const Route* route, std::uint16_t status);
/// How long a client may take none of a reply.
Duration write_patience(const Busy& busy);
/// What stands before a reply's sink, where its route, its client's share or a fault ask for it; as long as that is
/// written to.
struct Hindrances {
  std::optional<PacedSink> paced;
  std::optional<CutSink> cut;
  bool any() const noexcept { return paced || cut; }
};
/// Puts `sink` behind what hinders it.
void hinder(ClientConnection& connection, Busy& busy, const Route& route, Hindrances& in, http::BodySink*& sink);
/// Answers an upgrade that the server has agreed to, and serves the tunnel until its end.
rt::Task<void> switch_protocols(ClientConnection& connection, Busy& busy, const Route& route);
/// Notes the failure of the exchange, unless there was one before.
void fail(Busy& busy, Error error);
/// Sends busy.out with a whole `body`, none of it where the status or a HEAD has none.
rt::Task<void> send_whole(Busy& busy, std::uint16_t status, std::string_view body);
/// As send_whole(), in the coding that the route and the client want; `route` may be null.
rt::Task<void> send_coded(ClientConnection& connection, Busy& busy, const Route* route, std::uint16_t status,
                          std::string_view body);

}  // namespace rpx::proxy
