#include "policy/error_pages.h"

#include <catch2/catch.hpp>

#include "support/temp_folder.h"

namespace rpx::policy {
namespace {

TEST_CASE("error pages: the status decides, then its class", "[policy]") {
  const test::TempFolder folder;
  const auto pages = ErrorPages::load({{"502", folder.write("502.html", "<b>502")},
                                       {"5xx", folder.write("any.TXT", "5xx")},
                                       {"404", folder.write("404.json", "{}")},
                                       {"410", folder.write("gone", "")}});
  REQUIRE(pages);
  CHECK(pages->find(502).body == "<b>502");
  CHECK(pages->find(502).content_type == "text/html; charset=utf-8");
  CHECK(pages->find(503).body == "5xx");
  CHECK(pages->find(503).content_type == "text/plain; charset=utf-8");
  CHECK(pages->find(404).content_type == "application/json");
  CHECK(pages->find(410).body.empty());
  CHECK_FALSE(pages->find(410).content_type.empty());
  CHECK(pages->find(403).content_type.empty());
  CHECK(pages->find(200).content_type.empty());
  CHECK_FALSE(pages->empty());
  CHECK(ErrorPages().empty());
  CHECK(ErrorPages().find(500).content_type.empty());
}

TEST_CASE("error pages: what cannot be one is refused", "[policy]") {
  const test::TempFolder folder;
  const std::string good = folder.write("good.html", "x");
  for (const char* key : {"", "200", "399", "600", "3xx", "6xx", "5XX", "50", "abc", "502 "}) {
    CAPTURE(key);
    CHECK_FALSE(ErrorPages::load({{key, good}}));
  }
  const std::string missing = folder.path() + "/none.html";
  const auto unread = ErrorPages::load({{"502", missing}});
  REQUIRE_FALSE(unread);
  CHECK(unread.error().detail == "cannot read error page \"" + missing + "\": No such file or directory");
  CHECK_FALSE(ErrorPages::load({{"502", folder.path()}}));
  CHECK(ErrorPages::load({{"502", folder.write("full.html", std::string(kMaxErrorPage, 'x'))}}));
  const auto large = ErrorPages::load({{"502", folder.write("large.html", std::string(kMaxErrorPage + 1, 'x'))}});
  REQUIRE_FALSE(large);
  CHECK(large.error().detail == "error page \"" + folder.path() + "/large.html\" is larger than 1 MiB");
}

TEST_CASE("error pages: the built-in page is what Accept likes best", "[policy][rfc9110-12.5.1]") {
  constexpr std::string_view kText = "text/plain; charset=utf-8";
  constexpr std::string_view kHtml = "text/html; charset=utf-8";
  constexpr std::string_view kJson = "application/json";
  struct Row {
    std::string_view accept, type;
  };
  const Row rows[] = {
      {"", kText},
      {"*/*", kText},
      {"text/*", kText},
      {"image/png", kText},
      {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", kHtml},
      {"application/json, text/plain, */*", kJson},
      {"application/json", kJson},
      {"APPLICATION/JSON", kJson},
      {"text/html;q=0.2, application/json;q=0.9", kJson},
      {"text/html;q=0.9, application/json;q=0.2", kHtml},
      {"text/html;q=0, */*", kText},
      {"application/*", kJson},
      {"text/html;level=1;q=0.4, text/plain;q=0.3", kHtml},
      {"text/html;q=oops", kText},
      {",,;;q=,*/*;", kText},
  };
  for (const Row& row : rows) {
    CAPTURE(row.accept);
    CHECK(built_in_page(502, row.accept, "id").content_type == row.type);
  }
}

TEST_CASE("error pages: the built-in page tells status, reason and request id, escaped", "[policy]") {
  CHECK(built_in_page(502, "", "0af7").body == "502 Bad Gateway\nRequest 0af7\n");
  CHECK(built_in_page(404, "", "").body == "404 Not Found\n");
  CHECK(built_in_page(502, "application/json", "a\"b\n").body ==
        "{\"status\":502,\"title\":\"Bad Gateway\",\"request_id\":\"a\\\"b\\n\"}\n");
  CHECK(built_in_page(502, "application/json", "").body == "{\"status\":502,\"title\":\"Bad Gateway\"}\n");
  const std::string html = built_in_page(502, "text/html", "<script>'&\"").body;
  CHECK(html.find("<script>") == std::string::npos);
  CHECK(html.find("&lt;script&gt;&#39;&amp;&quot;") != std::string::npos);
  CHECK(html.find("<h1>502 Bad Gateway</h1>") != std::string::npos);
}

}  // namespace
}  // namespace rpx::policy
