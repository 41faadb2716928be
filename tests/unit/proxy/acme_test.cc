#include <catch2/catch.hpp>
#include <string>

#include "proxy/acme_schedule.h"
#include "proxy/acme_views.h"
#include "support/temp_folder.h"

using namespace rpx;
using namespace std::chrono_literals;

namespace {

const std::string kDirectory = "https://acme.test/dir";
const WallTime kNow = std::chrono::system_clock::time_point(1'800'000'000s);

proxy::AcmeHeld held(std::chrono::hours left) {
  return {.usable = true, .from = kNow + left - 90 * 24h, .until = kNow + left};
}

}  // namespace

TEST_CASE("acme schedule: each failure waits longer, to six hours, and never all at once", "[proxy]") {
  CHECK(proxy::back_off(1, 0.5) == 1min);
  CHECK(proxy::back_off(2, 0.5) == 3min);
  CHECK(proxy::back_off(3, 0.5) == 9min);
  CHECK(proxy::back_off(7, 0.5) == 6h);
  CHECK(proxy::back_off(1000, 0.5) == 6h);
  CHECK(proxy::back_off(1, 0) == 45s);
  CHECK(proxy::back_off(1, 1) == 75s);
}

TEST_CASE("acme schedule: what the authority says goes before the last third of its life", "[proxy][rfc9773-4.2]") {
  const auto one = held(90 * 24h);
  CHECK(one.until - proxy::usual_renewal(one, 0) == 30 * 24h);
  CHECK(proxy::usual_renewal(one, 1) < proxy::usual_renewal(one, 0));
  const pki::RenewalWindow window{.from = kNow, .until = kNow + 10h};
  CHECK(proxy::renewal_within(window, 0) == kNow);
  CHECK(proxy::renewal_within(window, 0.5) == kNow + 5h);
  CHECK(proxy::renewal_within(window, 1) == kNow + 10h);
}

TEST_CASE("acme schedule: what is done next follows from what is known", "[proxy]") {
  using proxy::AcmeStep;
  const auto later = kNow + 1h;
  const proxy::AcmeRecord settled{.directory = kDirectory, .renew = kNow + 24h, .ask = later};
  struct Row {
    const char* what;
    proxy::AcmeRecord record;
    proxy::AcmeHeld one;
    AcmeStep step;
    WallTime moment;
  };
  auto changed = [&settled](auto change) {
    proxy::AcmeRecord out = settled;
    change(out);
    return out;
  };
  const Row rows[] = {
      {"nothing is there", {}, {}, AcmeStep::kObtain, kNow},
      {"nothing is there, and it was tried", {.failures = 1, .next = later}, {}, AcmeStep::kNothing, later},
      {"all is well", settled, held(48h), AcmeStep::kNothing, later},
      {"when to renew is not known", changed([](auto& r) { r.renew = {}; }), held(48h), AcmeStep::kAsk, kNow},
      {"it is to be asked again", changed([](auto& r) { r.ask = kNow; }), held(48h), AcmeStep::kAsk, kNow},
      {"it is time", changed([](auto& r) { r.renew = kNow; }), held(48h), AcmeStep::kObtain, kNow},
      {"it is time, and was tried", changed([&](auto& r) {
         r.renew = kNow;
         r.next = later;
       }),
       held(48h), AcmeStep::kNothing, later},
      {"it has run out", settled, held(-1h), AcmeStep::kObtain, kNow},
      {"it is from another authority", changed([](auto& r) { r.directory = "https://staging.test"; }), held(48h),
       AcmeStep::kObtain, kNow},
      {"it ends before it is renewed", settled, held(0h), AcmeStep::kObtain, kNow},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    CHECK(proxy::next_step(row.record, row.one, kDirectory, kNow) == row.step);
    CHECK(proxy::next_moment(row.record, row.one, kDirectory, kNow) == row.moment);
  }
}

TEST_CASE("acme store: a record is read as it was written, and rubbish is left out", "[proxy]") {
  const proxy::AcmeRecord record{.directory = kDirectory,
                                 .failures = 3,
                                 .error = "could not be proven: no route",
                                 .tried = kNow,
                                 .next = kNow + 1h,
                                 .renew = kNow + 2h,
                                 .ask = kNow + 3h};
  CHECK(proxy::parse_acme_record(proxy::format_acme_record(record)) == record);
  CHECK(proxy::parse_acme_record(proxy::format_acme_record({})) == proxy::AcmeRecord{});
  CHECK(proxy::parse_acme_record("next soon\nfailures many\n\x01\n# comment\nrenew") == proxy::AcmeRecord{});
}

TEST_CASE("acme store: one works on it at a time, and challenges are read by what they are asked for", "[proxy]") {
  const test::TempFolder folder;
  const proxy::AcmeStore store(folder.file("acme/"));
  CHECK_FALSE(store.lock());
  REQUIRE(store.prepare());
  REQUIRE(store.prepare());
  {
    const auto first = store.lock();
    REQUIRE(first);
    CHECK(*first);
    const auto second = store.lock();
    REQUIRE(second);
    CHECK_FALSE(*second);
  }
  CHECK(*store.lock());
  REQUIRE(store.write_challenge("http-01", "token", "token.print"));
  CHECK(store.read_challenge("http-01", "token") == "token.print");
  CHECK(store.read_challenge("tls-alpn-01", "token").empty());
  for (const char* bad : {"", "../account", "a/b", "tok\nen", ".hidden"})
    CHECK(store.read_challenge("http-01", bad).empty());
  store.remove_challenge("http-01", "token");
  CHECK(store.read_challenge("http-01", "token").empty());
  const auto key = store.account_key();
  REQUIRE(key);
  const auto again = store.account_key();
  REQUIRE(again);
  CHECK(EVP_PKEY_eq(key->get(), again->get()) == 1);
}

TEST_CASE("acme metrics: there are none where nothing is obtained", "[proxy]") {
  CHECK(proxy::write_acme_metrics({}).empty());
  proxy::AcmeView view;
  view.directory = kDirectory;
  view.names.push_back({.name = "a.test", .state = "failing", .failures = 2});
  const std::string text = proxy::write_acme_metrics(view);
  CHECK(text.find("rpx_acme_failures{name=\"a.test\"} 2\n") != std::string::npos);
  CHECK(text.find("rpx_acme_not_after_seconds{name=\"a.test\"} 0\n") != std::string::npos);
}
