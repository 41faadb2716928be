#include "pki/verify.h"

#include <catch2/catch.hpp>

#include "pki/facts.h"
#include "pki/issue.h"
#include "pki/key.h"
#include "support/temp_folder.h"

namespace rpx::pki {
namespace {

constexpr WallTime kNow = WallTime(std::chrono::seconds(1'800'000'000));
constexpr Duration kDay = std::chrono::hours(24);

struct Authority {
  tls::KeyPtr key = make_key(KeyKind::kEcP256).value();
  tls::X509Ptr certificate;
  explicit Authority(const std::string& name) {
    certificate =
        make_certificate(key.get(), {.common_name = name, .from = kNow - kDay, .life = 1000 * kDay, .authority = true},
                         nullptr)
            .value();
  }
  tls::X509Ptr sign(EVP_PKEY* of, Wanted wanted) const {
    const Issuer issuer{certificate.get(), key.get()};
    return make_certificate(of, wanted, &issuer).value();
  }
};

tls::X509Ptr copy(X509* certificate) {
  X509_up_ref(certificate);
  return tls::X509Ptr(certificate);
}

struct Story {
  test::TempFolder folder;
  Authority root{"root"};
  Authority other{"other"};
  tls::KeyPtr key = make_key(KeyKind::kEcP256).value();
  Expected expected{.name = "a.test", .ca = folder.write("ca.pem", pem_of(root.certificate.get())), .now = kNow};
  Wanted wanted{.names = {"a.test"}, .from = kNow - kDay, .life = 90 * kDay};

  std::string judge(std::vector<tls::X509Ptr> chain) const {
    const auto findings = findings_of(chain, expected);
    REQUIRE(findings);
    std::string out;
    for (const std::string& one : *findings) out += one + "\n";
    return out;
  }
  std::string judge_one(const Wanted& what) const {
    std::vector<tls::X509Ptr> chain;
    chain.push_back(root.sign(key.get(), what));
    return judge(std::move(chain));
  }
};

TEST_CASE("verify: nothing is found of a good one, with its root behind it or not", "[pki]") {
  const Story story;
  CHECK(story.judge_one(story.wanted).empty());
  std::vector<tls::X509Ptr> chain;
  chain.push_back(story.root.sign(story.key.get(), story.wanted));
  chain.push_back(copy(story.root.certificate.get()));
  CHECK(story.judge(std::move(chain)).empty());
}

TEST_CASE("verify: dates", "[pki]") {
  Story story;
  const auto with = [&](Duration from, Duration life) {
    Wanted wanted = story.wanted;
    wanted.from = kNow + std::chrono::duration_cast<WallTime::duration>(from);
    wanted.life = life;
    return story.judge_one(wanted);
  };
  CHECK(with(-10 * kDay, 9 * kDay) == "it expired on 2027-01-14\n");
  CHECK(with(-10 * kDay, 20 * kDay) == "it has 10 days left: it expires on 2027-01-25\n");
  CHECK(with(kDay, 90 * kDay) == "it is not valid before 2027-01-16\n");
  story.expected.ahead = 5 * kDay;
  CHECK(with(-10 * kDay, 20 * kDay).empty());
}

TEST_CASE("verify: names, wildcards for one label alone, addresses", "[pki][rfc6125]") {
  Story story;
  story.wanted.names = {"a.test", "*.w.test", "127.0.0.1"};
  for (const char* name : {"a.test", "A.TEST", "x.w.test", "127.0.0.1", ""}) {
    story.expected.name = name;
    CHECK(story.judge_one(story.wanted).empty());
  }
  for (const char* name : {"b.test", "w.test", "x.y.w.test", "127.0.0.2"}) {
    story.expected.name = name;
    CHECK(story.judge_one(story.wanted) == "it is not for " + std::string(name) + "\n");
  }
}

TEST_CASE("verify: authorities, missing, wrong and private", "[pki]") {
  Story story;
  std::vector<tls::X509Ptr> chain;
  chain.push_back(story.other.sign(story.key.get(), story.wanted));
  CHECK(story.judge(std::move(chain)).starts_with("it leads to no trusted root"));
  chain.clear();
  chain.push_back(story.root.sign(story.key.get(), story.wanted));
  chain.push_back(copy(story.other.certificate.get()));
  CHECK(story.judge(std::move(chain)) == "certificate 2 of the chain (CN=other) did not sign the one before it\n");
  chain.clear();
  chain.push_back(make_certificate(story.key.get(), story.wanted, nullptr).value());
  CHECK(story.judge(std::move(chain)) == "it is not trusted: self-signed certificate\n");
  chain.clear();
  story.expected.trust = false;
  chain.push_back(make_certificate(story.key.get(), story.wanted, nullptr).value());
  CHECK(story.judge(std::move(chain)).empty());
}

TEST_CASE("verify: weak keys", "[pki]") {
  Story story;
  story.key.reset(EVP_RSA_gen(1024));
  CHECK(story.judge_one(story.wanted) == "the key of CN=a.test is weak: RSA 1024\n");
}

TEST_CASE("verify: authorities that cannot be read are an error", "[pki]") {
  Story story;
  story.expected.ca = story.folder.file("none");
  std::vector<tls::X509Ptr> chain;
  chain.push_back(story.root.sign(story.key.get(), story.wanted));
  CHECK(findings_of(chain, story.expected).error().kind == ErrorKind::kConfig);
}

TEST_CASE("facts: an end in the year 9999, which means never, is far off and not past", "[pki]") {
  struct Free {
    void operator()(ASN1_TIME* time) const noexcept { ASN1_TIME_free(time); }
  };
  const std::unique_ptr<ASN1_TIME, Free> time(ASN1_TIME_new());
  const auto at = [&time](const char* text) {
    REQUIRE(ASN1_TIME_set_string(time.get(), text) == 1);
    return time_of(time.get());
  };
  CHECK(at("20270115080000Z") == kNow);
  CHECK(at("99991231235959Z") - kNow > 200 * 365 * kDay);
  CHECK(at("00010101000000Z") - kNow < -200 * 365 * kDay);
  CHECK(time_of(nullptr) == WallTime());
}

}  // namespace
}  // namespace rpx::pki
