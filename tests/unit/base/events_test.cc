#include "base/events.h"

#include <catch2/catch.hpp>
#include <thread>

using namespace rpx;

namespace {

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

EventQueue queue_of(EventKinds kinds) {
  return {kinds, "", [] {}};
}

}  // namespace

TEST_CASE("events: a listener gets the kinds it asked for, as one line of JSON each", "[base]") {
  EventQueue queue = queue_of(bit_of(EventKind::kServer));
  publish(EventKind::kBan, {{"client", "192.0.2.1"}});
  publish(EventKind::kServer, {{"server", "a \"b\"\n"}, {"n", std::uint64_t{7}}, {"down", true}, {"took_s", 0.5}});
  const auto event = queue.take();
  REQUIRE(event);
  CHECK(event->kind == EventKind::kServer);
  CHECK(event->json.starts_with(R"({"time":"20)"));
  CHECK(event->json.ends_with(R"(,"kind":"server","server":"a \"b\"\n","n":7,"down":true,"took_s":0.5})"));
  CHECK_FALSE(queue.take());
}

TEST_CASE("events: nobody is asked to build what nobody listens to", "[base]") {
  CHECK_FALSE(event_wanted(EventKind::kAccess));
  {
    const EventQueue usual = queue_of(usual_event_kinds());
    CHECK(event_wanted(EventKind::kReload));
    CHECK_FALSE(event_wanted(EventKind::kAccess));
    const EventQueue access = queue_of(bit_of(EventKind::kAccess));
    CHECK(event_wanted(EventKind::kAccess));
  }
  CHECK_FALSE(event_wanted(EventKind::kReload));
}

TEST_CASE("events: a queue that is full drops and counts, and keeps what it has", "[base]") {
  EventQueue queue = queue_of(bit_of(EventKind::kBan));
  for (std::size_t i = 0; i < EventQueue::kMost + 5; ++i) publish(EventKind::kBan, {{"n", std::uint64_t{i}}});
  CHECK(queue.take_dropped() == 5);
  CHECK(queue.take_dropped() == 0);
  std::size_t count = 0;
  while (const auto event = queue.take()) {
    if (count == 0) CHECK(holds(event->json, "\"n\":0"));
    ++count;
  }
  CHECK(count == EventQueue::kMost);
}

TEST_CASE("events: who comes back gets what it has missed, but no access lines", "[base]") {
  std::string last;
  {
    EventQueue queue = queue_of(bit_of(EventKind::kReload));
    publish(EventKind::kReload, {{"n", std::uint64_t{1}}});
    last = queue.take()->id;
  }
  publish(EventKind::kReload, {{"n", std::uint64_t{2}}});
  publish(EventKind::kServer, {{"n", std::uint64_t{3}}});
  publish_json(EventKind::kAccess, "{\"n\":4}\n");
  EventQueue back(bit_of(EventKind::kReload) | bit_of(EventKind::kAccess), last, [] {});
  const auto event = back.take();
  REQUIRE(event);
  CHECK(holds(event->json, "\"n\":2"));
  CHECK_FALSE(back.take());
  EventQueue stranger(bit_of(EventKind::kReload), "other-1", [] {});
  CHECK(stranger.take());
}

TEST_CASE("events: a listener is woken when its queue was empty", "[base]") {
  int woken = 0;
  EventQueue queue(bit_of(EventKind::kBan), "", [&] { ++woken; });
  publish(EventKind::kBan, {});
  publish(EventKind::kBan, {});
  CHECK(woken == 1);
  while (queue.take()) {
  }
  publish(EventKind::kBan, {});
  CHECK(woken == 2);
}

TEST_CASE("events: many may publish at once", "[base]") {
  EventQueue queue = queue_of(bit_of(EventKind::kCertificate));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([] {
      for (int n = 0; n < 100; ++n) publish(EventKind::kCertificate, {{"cert", "a.pem"}});
    });
  for (std::thread& thread : threads) thread.join();
  std::size_t count = 0;
  while (queue.take()) ++count;
  CHECK(count == 400);
}

TEST_CASE("events: kinds are read by name", "[base]") {
  std::string_view bad;
  CHECK(parse_event_kinds("server,ban", bad) == (bit_of(EventKind::kServer) | bit_of(EventKind::kBan)));
  CHECK(parse_event_kinds("", bad) == usual_event_kinds());
  CHECK_FALSE(parse_event_kinds("server,bans", bad));
  CHECK(bad == "bans");
}
