#include "load/template.h"

#include <catch2/catch.hpp>

using rpx::load::Feed;
using rpx::load::Fill;
using rpx::load::Random;
using rpx::load::Template;

namespace {

std::string filled(const char* text, std::uint64_t seq = 7) {
  Random random(1);
  const auto parsed = Template::parse(text, nullptr);
  REQUIRE(parsed);
  std::string out;
  parsed->render(out, Fill{seq, &random, nullptr});
  return out;
}

}  // namespace

TEST_CASE("a template without places is fixed", "[load]") {
  CHECK(Template::parse("/a?b={c}", nullptr)->fixed());
  CHECK(filled("/a?b={c}") == "/a?b={c}");
  CHECK_FALSE(Template::parse("/{{seq}}", nullptr)->fixed());
}

TEST_CASE("places of a template are filled", "[load]") {
  CHECK(filled("/{{seq}}/{{ seq }}-") == "/7/7-");
  CHECK(filled("{{rand 5 5}}") == "5");
  CHECK(filled("{{choice one}}") == "one");
  CHECK(filled("{{hex 40}}").size() == 40);
  const std::string uuid = filled("{{uuid}}");
  REQUIRE(uuid.size() == 36);
  CHECK(uuid[14] == '4');
  CHECK(std::string("89ab").find(uuid[19]) != std::string::npos);
  for (int i = 0; i < 100; ++i) {
    const int value = std::stoi(filled("{{rand 10 12}}"));
    CHECK((value >= 10 && value <= 12));
  }
}

TEST_CASE("a template takes columns of the feed by name", "[load]") {
  const auto feed = Feed::parse("id,name\n1,ann\n", "f");
  const auto parsed = Template::parse("/{{feed.name}}/{{feed.id}}", &*feed);
  REQUIRE(parsed);
  CHECK(parsed->uses_feed());
  const std::vector<std::string> row{"1", "ann"};
  std::string out;
  parsed->render(out, Fill{1, nullptr, &row});
  CHECK(out == "/ann/1");
}

TEST_CASE("a place that is not known is refused with what there is", "[load]") {
  for (const char* text : {"{{", "{{}}", "{{sequence}}", "{{rand 1}}", "{{rand 5 1}}", "{{hex 0}}", "{{choice}}",
                           "{{feed.id}}", "{{uuid 4}}"}) {
    CAPTURE(text);
    const auto parsed = Template::parse(text, nullptr);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().kind == rpx::ErrorKind::kUsage);
  }
}
