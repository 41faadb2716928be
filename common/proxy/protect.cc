#include "proxy/protect.h"

#include "policy/block_table.h"
#include "proxy/respond.h"
#include "proxy/site.h"

namespace rpx::proxy {
namespace {

constexpr std::uint16_t kForbidden = 403;

void count(ClientConnection& connection, const Site& site, const IpAddress& address, std::uint16_t status) {
  for (const policy::BanRule& rule : site.bans()) {
    if (!rule.counts(status)) continue;
    if (!rule.options().anyone && site.is_friend(address)) continue;
    const IpPrefix client = policy::client_of(address);
    if (rule.note(client, connection.worker.loop().now())) connection.worker.ban(rule.ban_of(client, status));
  }
}

}  // namespace

bool is_blocked(ClientConnection& connection, const Busy& busy) noexcept {
  const policy::BlockTable* blocks = connection.worker.blocks();
  if (!blocks) return false;
  if (connection.blocks_seen != blocks->generation()) {
    // A connection asks once for each table, not once for each request.
    connection.blocks_seen = blocks->generation();
    connection.is_blocked = !connection.listener->is_unix && blocks->blocks(connection.peer);
  }
  const IpAddress& client = busy.trail.client.client;
  return connection.is_blocked || (client != connection.peer && blocks->blocks(client));
}

rt::Task<void> refuse_blocked(ClientConnection& connection, Busy& busy) {
  const policy::BlockTable& blocks = *connection.worker.blocks();
  const std::uint16_t status = blocks.status();
  blocks.count_hit(connection.is_blocked ? connection.peer : busy.trail.client.client);
  connection.worker.counts().blocked.add();
  busy.trail.refused = "blocked";
  if (connection.is_blocked && status == 0) {
    busy.exchange.cut();
    co_return;
  }
  // The connection of a trusted proxy is not the blocked client's to lose.
  if (connection.is_blocked) busy.exchange.close_after();
  co_await respond_refusal(connection, busy, nullptr, {.status = status == 0 ? kForbidden : status});
}

void count_for_bans(ClientConnection& connection, const Busy& busy) {
  const Trail& trail = busy.trail;
  const bool has_address = !connection.listener->is_unix || trail.client.peer_is_trusted;
  if (!has_address || trail.status == 0 || trail.refused == "blocked") return;
  count(connection, *busy.live->site, trail.client.client, trail.status);
}

void count_for_bans(ClientConnection& connection, std::uint16_t status) {
  if (!connection.listener->is_unix) count(connection, *connection.worker.live()->site, connection.peer, status);
}

}  // namespace rpx::proxy
