#include "proxy/fill.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "http/hop_by_hop.h"
#include "proxy/fill_rest.h"

namespace rpx::proxy {
namespace {

using cache::Flight;
using http::FieldId;

}  // namespace

bool Fill::begin(WallTime asked) {
  const http::ResponseHead& head = visit_.busy.call.head();
  if (!lead_) return false;
  times_ = {asked, visit_.now()};
  http::copy_end_to_end(head.headers, fields_);
  add_date(fields_, visit_.busy.exchange.arena(), times_.answered);
  // A part is judged as the object would be (RFC 9111 section 3.3).
  const bool part = head.status == 206 && !visit_.facts.range.empty();
  verdict_ = cache::judge_reply(visit_.facts, part ? 200 : head.status, fields_, times_, visit_.rule.options);
  const Size most = std::min<Size>(visit_.rule.options.max_object, visit_.store().most());
  if (verdict_.store && head.framing == http::Framing::kLength && head.content_length > most)
    verdict_ = {.store = false, .why = kTooLarge, .terms = {}};
  const bool own_page = head.status >= 400 && visit_.route.options->hide_origin &&
                        !visit_.route.error_pages.find(head.status).content_type.empty();
  if (verdict_.store && own_page)
    verdict_ = {.store = false, .why = {"the route has a page of its own for it", "route.errors"}, .terms = {}};
  if (!verdict_.store) {
    // Nobody waits for parts, and what is said of them is not said of the object.
    if (visit_.facts.range.empty()) visit_.store().remember_pass(visit_.key, verdict_.why, visit_.now() + kPassTime);
    lead_.end(Flight::End::kNothing);
    return false;
  }
  vary_ = cache::vary_of(fields_, visit_.busy.exchange.request().headers);
  active_ = true;
  visit_.busy.fill = this;
  const bool known = head.framing == http::Framing::kLength;
  if (!part && (visit_.busy.first.blocked || !visit_.busy.first.end) && !lead_.spoiled()) {
    // More is to come: others need not wait for it.
    cache::NewEntry made = new_entry(visit_, head.status, times_);
    made.terms = verdict_.terms;
    made.vary = vary_;
    flight_ = lead_.flight();
    flight_->open(cache::Entry::make(std::move(made), fields_, {}),
                  known ? std::optional(head.content_length) : std::nullopt);
  } else if (known) {
    body_.reserve(head.content_length);
  }
  if (!visit_.busy.first.blocked) take(visit_.busy.first);
  return true;
}

void Fill::give_up(const cache::Reason& why) {
  active_ = false;
  visit_.store().remember_pass(visit_.key, why, visit_.now() + kPassTime);
  lead_.end(Flight::End::kNothing);
}

void Fill::take(const http::BodyPiece& piece) {
  if (!active_) return;
  const bool too_large = size() + piece.data.size() > visit_.rule.options.max_object;
  if (flight_)
    flight_->append(piece.data);
  else if (!too_large)
    body_.append(piece.data);
  if (!too_large) {
    if (piece.end) complete();
    return;
  }
  body_ = {};
  // Those who read along have to ask for it again, but for the end of one that is not much longer than what is kept.
  if (flight_ && piece.end) flight_->close();
  let_go_ = !piece.end;
  give_up(kTooLarge);
}

// Has `made` hold the part that has come, with what is stored around it; all of it makes a whole object.
bool Fill::take_part(cache::NewEntry& made) {
  const http::Field* told = fields_.find("Content-Range");
  cache::Piece piece{std::string(visit_.facts.range), std::string(told ? told->value : std::string_view()), {}};
  if (told) piece.place = cache::parse_content_range(told->value);
  // A length of its own that its Content-Range contradicts: of use as it is, and not to be cut.
  if (piece.place && piece.place->last - piece.place->first + 1 != body_.size()) piece.place.reset();
  const std::string_view etag = fields_.value(FieldId::kETag);
  bool joined = false;
  auto stored = visit_.store().pieces(visit_.key, visit_.busy.exchange.request().headers);
  for (std::size_t i = 0; i < stored.size();) {
    const bool same = stored[i]->vary() == made.vary && stored[i]->body().size() <= visit_.rule.options.max_object;
    if (!same || !cache::join(piece, body_, etag, *stored[i])) {
      ++i;
      continue;
    }
    joined = true;
    // It may touch now what it did not before.
    stored.erase(stored.begin() + static_cast<std::ptrdiff_t>(i));
    i = 0;
  }
  if (body_.size() > visit_.rule.options.max_object) return false;
  if (piece.place && piece.place->first == 0 && piece.place->last + 1 == piece.place->total) {
    made.status = 200;
    fields_.remove("Content-Range");
    return true;
  }
  if (joined) {
    piece.asked.clear();
    piece.told = fmt::format("bytes {}-{}/{}", piece.place->first, piece.place->last, piece.place->total);
  }
  made.piece = std::make_unique<const cache::Piece>(std::move(piece));
  return true;
}

void Fill::complete() {
  active_ = false;
  std::shared_ptr<const std::string> body = flight_ ? flight_->close() : nullptr;
  if (!lead_ || lead_.spoiled()) return lead_.end(Flight::End::kNothing);
  cache::NewEntry made = new_entry(visit_, visit_.busy.call.head().status, times_);
  made.terms = std::move(verdict_.terms);
  made.vary = std::move(vary_);
  if (made.status == 206 && !take_part(made)) return lead_.end(Flight::End::kNothing);
  if (!flight_) {
    body_.shrink_to_fit();
    body = std::make_shared<const std::string>(std::move(body_));
  }
  made.body = std::move(body);
  entry_ = cache::Entry::make(std::move(made), fields_, visit_.rule.options.tags);
  visit_.store().put(entry_);
  lead_.end(Flight::End::kStored);
}

Result<http::BodyPiece> Fill::try_read(std::size_t most) {
  if (ahead_) {
    cache::Flight::Piece piece = flight_->read(at_, most);
    held_ = std::move(piece.held);
    at_ += piece.data.size();
    at_end_ = piece.end;
    if (!piece.data.empty() || piece.end) return http::BodyPiece{.data = piece.data, .end = piece.end};
    if (!let_go_) {
      rt::Child<Status>& pump = visit_.busy.pump;
      if (pump.done() && !pump.result()) return std::unexpected(pump.result().error());
      return http::BodyPiece{.blocked = true};
    }
    ahead_ = false;
  }
  Result<http::BodyPiece> piece = visit_.busy.call.reader().try_read(most);
  if (piece && !piece->blocked) take(*piece);
  return piece;
}

rt::Task<Status> Fill::wait(Duration stall) {
  if (!ahead_) {
    Status waited = co_await visit_.busy.call.reader().wait(stall);
    co_return waited;
  }
  // How long the origin may take is for pump() to say.
  rt::Child<Status>& pump = visit_.busy.pump;
  if (!pump.done()) co_await flight_->wait_beyond(at_, loop(), Instant::max());
  co_return Status{};
}

rt::Task<Status> Fill::pump(Duration stall) {
  http::BodySource& origin = visit_.busy.call.reader();
  for (std::size_t pieces = 1;; ++pieces) {
    const Result<http::BodyPiece> piece = origin.try_read(net::kScratchBytes);
    Status waited;
    if (!piece) waited = std::unexpected(piece.error());
    if (piece && piece->blocked) waited = co_await origin.wait(stall);
    if (!waited) {
      lead_.end(Flight::End::kFailed);
      co_return waited;
    }
    if (piece->blocked) continue;
    const bool end = piece->end;
    take(*piece);
    if (end || let_go_) co_return Status{};
    if (pieces % 8 == 0) co_await loop().yield();
  }
}

Status Fill::run_ahead(Duration stall) {
  if (!flight_ || !active_) return {};
  ahead_ = true;
  visit_.busy.pump.start(pump(stall));
  RPX_TRY(visit_.busy.first, try_read(net::kScratchBytes));
  return {};
}

rt::Task<void> Fill::see_through() {
  rt::Child<Status>& pump = visit_.busy.pump;
  while (pump.started() && !pump.done() && !flight_->end_unread())
    co_await pump.wait(loop().now() + std::chrono::seconds(1));
  pump.cancel();
}

void Fill::hand_over() {
  if (!active_ || !ahead_ || flight_->end_unread()) return;
  Busy& busy = visit_.busy;
  // A request that is still being sent could not be any more.
  if (busy.upload.started() && !busy.upload.done()) return;
  busy.pump.cancel();
  active_ = false;
  RestOfFill rest{busy.live,
                  visit_.rule.store,
                  std::move(lead_),
                  visit_.rule,
                  visit_.route.options->timeout.idle,
                  http::ServerCall(loop()),
                  std::move(busy.place),
                  std::move(busy.lease)};
  rest.call.swap(busy.call);
  visit_.connection.worker.run_beside(read_rest(visit_.connection.worker, std::move(rest)));
}

rt::Task<Status> Fill::finish(Duration stall) {
  if (visit_.busy.first.end) co_return Status{};
  for (std::size_t pieces = 1;; ++pieces) {
    RPX_CO_TRY(const http::BodyPiece piece, try_read(net::kScratchBytes));
    if (piece.end) co_return Status{};
    if (piece.blocked) RPX_CO_TRY_VOID(co_await wait(stall));
    if (pieces % 8 == 0) co_await loop().yield();
  }
}

}  // namespace rpx::proxy
