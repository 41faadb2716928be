// The key tables against the structs they fill, the man page and the whole of the configuration to come.
#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

#include "config/keys.h"
#include "config/kinds.h"
#include "unit/config/load_text.h"

using namespace rpx;
using namespace rpx::config;

namespace {

/// Calls `visit(section, key)` for all rows at and below `section`.
template <class Visit>
void each_key(const Section& section, Visit visit) {
  for (const Key& key : section.keys) {
    visit(section, key);
    if (key.section != nullptr) each_key(*key.section, visit);
  }
}

const Section& section_of(std::string_view name) {
  const Section* found = nullptr;
  each_key(kFile, [&](const Section&, const Key& key) {
    if (key.section != nullptr && key.section->name == name) found = key.section;
  });
  REQUIRE(found != nullptr);
  return *found;
}

/// The defaults in the rows of a section are those of `object`.
template <class Object>
void check_defaults(std::string_view name, const Object& object) {
  for (const Key& key : section_of(name).keys) {
    INFO(name << "." << key.name);
    if (key.kind == nullptr || key.kind == &kTable || key.field.of == nullptr) continue;
    if (key.name == "control") continue;  // depends on the environment
    const void* field = key.field.of_const(&object);
    if (key.standard.empty()) {
      const std::string text = field == nullptr ? "" : to_toml_value(key.kind->write(key, field));
      CHECK((text.empty() || text == "\"\"" || text == "[]"));
    } else {
      REQUIRE(field != nullptr);
      CHECK(to_toml_value(key.kind->write(key, field)) == key.standard);
    }
  }
}

}  // namespace

TEST_CASE("keys: the defaults in the tables are those of the structs", "[config]") {
  check_defaults("serve", proxy::ServeOptions());
  check_defaults("log", proxy::LogOptions());
  check_defaults("listen", proxy::ListenOptions());
  check_defaults("upstream", upstream::UpstreamOptions());
  check_defaults("servers", upstream::ServerOptions());
  check_defaults("connect", upstream::ConnectOptions());
  check_defaults("retry", upstream::RetryOptions());
  check_defaults("disk", cache::DiskOptions());
  check_defaults("limits", http::Limits());
  check_defaults("route", proxy::RouteOptions());
  check_defaults("timeout", proxy::RouteTimeouts());
  check_defaults("rewrite", policy::RewriteOptions());
  check_defaults("redirect", policy::RedirectOptions());
  check_defaults("respond", policy::RespondOptions());
  check_defaults("request_headers", policy::HeaderRuleOptions());
  check_defaults("response_headers", policy::HeaderRuleOptions());
}

TEST_CASE("keys: every supported key has one line of help and a value to show", "[config]") {
  each_key(kFile, [](const Section& section, const Key& key) {
    INFO(section.name << "." << key.name);
    if (key.kind == nullptr || key.kind == &kTable) return;
    const std::string_view help = key.section && key.help.empty() ? key.section->help : key.help;
    CHECK_FALSE(help.empty());
    CHECK(help.find('\n') == std::string_view::npos);
    if (key.section == nullptr) CHECK_FALSE((key.standard.empty() && key.extra.example.empty()));
    if (key.extra.required) CHECK_FALSE(key.extra.example.empty());
  });
}

TEST_CASE("keys: every key to come is known and refused", "[config]") {
  struct Row {
    const char* above;  ///< what makes it a configuration
    const char* line;
    const char* what;
  };
  const Row rows[] = {
      {"", "[cluster]", "\"cluster\""},
  };
  for (const Row& row : rows) {
    const auto loaded = load_text(kBase + row.above + row.line + "\n");
    INFO(row.above << row.line);
    REQUIRE_FALSE(loaded);
    REQUIRE(loaded.error().size() == 1);
    CHECK(loaded.error()[0].message == std::string(row.what) + " is not yet supported by this version of rpx");
    CHECK(loaded.error()[0].source_line == row.line);
  }
}

TEST_CASE("keys: the man page lists them all", "[config]") {
  const std::string path = std::string(RPX_SOURCE_DIR) + "/man/rpx.toml.5";
  std::ifstream file(path);
  std::stringstream contents;
  contents << file.rdbuf();
  const std::string page = contents.str();
  constexpr std::string_view kBegin = ".\\\" Begin of the keys: written by the tests when RPX_UPDATE is set\n";
  constexpr std::string_view kEnd = ".\\\" End of the keys\n";
  const std::size_t begin = page.find(kBegin);
  const std::size_t end = page.find(kEnd);
  REQUIRE(begin != std::string::npos);
  REQUIRE(end != std::string::npos);
  const std::size_t keys = begin + kBegin.size();
  if (std::getenv("RPX_UPDATE") != nullptr)
    std::ofstream(path) << page.substr(0, keys) << man_keys() << page.substr(end);
  CHECK(page.substr(keys, end - keys) == man_keys());
}
