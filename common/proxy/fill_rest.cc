#include "proxy/fill_rest.h"

namespace rpx::proxy {
namespace {

using cache::Flight;

// What the head of the flight becomes with its body.
cache::EntryPtr with_body(const cache::Entry& head, std::shared_ptr<const std::string> body, std::string_view tags) {
  cache::NewEntry made;
  made.key = head.key();
  made.url = head.url();
  made.host = head.host();
  made.status = head.status();
  made.times = head.times();
  made.terms = head.terms();
  made.vary = head.vary();
  made.body = std::move(body);
  return cache::Entry::make(std::move(made), head.fields(), tags);
}

void store_body(RestOfFill& rest) {
  const std::shared_ptr<Flight> flight = rest.lead.flight();
  std::shared_ptr<const std::string> body = flight->close();
  if (rest.lead.spoiled()) return rest.lead.end(Flight::End::kNothing);
  rest.store->put(with_body(*flight->head(), std::move(body), rest.rule.options.tags));
  rest.lead.end(Flight::End::kStored);
}

}  // namespace

rt::Task<void> read_rest(Worker& worker, RestOfFill rest) {
  const std::shared_ptr<Flight> flight = rest.lead.flight();
  http::BodySource& origin = rest.call.reader();
  for (std::size_t pieces = 1; !flight->end_unread(); ++pieces) {
    const Result<http::BodyPiece> piece = origin.try_read(net::kScratchBytes);
    if (!piece) co_return;
    if (piece->blocked) {
      const Status waited = co_await origin.wait(rest.stall);
      if (!waited) co_return;
      continue;
    }
    // Nobody has said how long it is, and now it is too long: as for any other fill, those who want it ask for it.
    if (flight->size() + piece->data.size() > rest.rule.options.max_object) {
      rest.store->remember_pass(flight->key(), kTooLarge, worker.wall_now() + kPassTime);
      rest.lead.end(Flight::End::kNothing);
      co_return;
    }
    const bool end = piece->end;
    flight->append(piece->data);
    if (end) {
      store_body(rest);
      if (rest.call.reusable(true)) rest.lease.give_back(Duration::zero());
      co_return;
    }
    if (pieces % 8 == 0) co_await worker.loop().yield();
  }
}

}  // namespace rpx::proxy
