#include "policy/blocklist.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/rfc3339.h"
#include "support/temp_folder.h"

using namespace rpx;
using namespace rpx::policy;

namespace {

const WallTime kNow = *parse_rfc3339("2026-01-01T00:00:00Z");

IpAddress ip(const char* text) { return *IpAddress::parse(text); }
IpPrefix prefix(const char* text) { return *IpPrefix::parse(text); }

void write(const std::string& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; }
std::string read(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

}  // namespace

TEST_CASE("block table: the narrowest entry gets the hit, and keeps it in the next table", "[policy]") {
  BlockTable::Builder first(kNow);
  first.source("a");
  first.add(prefix("10.0.0.0/8"), {}, "wide");
  first.add(prefix("10.1.0.0/16"), {}, "narrow");
  first.add(prefix("2001:db8::/32"), {}, "six");
  const auto table = first.build({}, 0, nullptr);
  REQUIRE(table->blocks(ip("10.1.2.3")));
  table->count_hit(ip("10.1.2.3"));
  table->count_hit(ip("10.2.2.3"));
  table->count_hit(ip("2001:db8::1"));
  table->count_hit(ip("192.0.2.1"));
  CHECK(table->find(ip("10.1.2.3"))->reason == "narrow");
  CHECK(table->find(ip("10.2.2.3"))->hits == 1);

  BlockTable::Builder second(kNow);
  second.source("b");
  second.add(prefix("2001:db8::/32"), {}, "six");
  second.add(prefix("10.1.0.0/16"), {}, "still");
  second.add(prefix("9.0.0.0/8"), {}, "new");
  const auto next = second.build({}, 0, table.get());
  CHECK(next->find(ip("10.1.2.3"))->hits == 1);
  CHECK(next->find(ip("2001:db8::1"))->hits == 1);
  CHECK(next->find(ip("9.0.0.1"))->hits == 0);
  CHECK_FALSE(next->find(ip("10.2.2.3")));
  CHECK(next->entry(0).prefix == prefix("9.0.0.0/8"));
  CHECK(next->entry(2).source == "b");
  CHECK(next->generation() != table->generation());
}

TEST_CASE("block table: what has run out is not in it; of two the one that lasts longer is", "[policy]") {
  BlockTable::Builder builder(kNow);
  builder.add(prefix("10.0.0.1"), kNow, "over");
  builder.add(prefix("10.0.0.2"), kNow + std::chrono::seconds(5), "short");
  builder.add(prefix("10.0.0.2"), kNow + std::chrono::seconds(9), "long");
  builder.add(prefix("10.0.0.3"), {}, "for good");
  const auto table = builder.build({}, 0, nullptr);
  CHECK(table->size() == 2);
  CHECK_FALSE(table->blocks(ip("10.0.0.1")));
  CHECK(table->find(ip("10.0.0.2"))->reason == "long");
  CHECK(table->next_expiry() == kNow + std::chrono::seconds(9));
}

TEST_CASE("block table: who is allowed is not blocked", "[policy]") {
  BlockTable::Builder builder(kNow);
  builder.add(prefix("0.0.0.0/0"), {}, "");
  const auto table = builder.build({prefix("192.0.2.0/24")}, 403, nullptr);
  CHECK(table->blocks(ip("198.51.100.1")));
  CHECK_FALSE(table->blocks(ip("192.0.2.9")));
  CHECK(table->allowed_by(ip("192.0.2.9")) == prefix("192.0.2.0/24"));
  CHECK(table->status() == 403);
}

TEST_CASE("blocklist file: edits keep comments, order and what is wrong", "[policy]") {
  const std::string text = "# ours\n10.0.0.1 a\n\nbroken line\n10.0.0.2 b # why\n10.0.0.3";
  BlockEdit edit;
  edit.add = {{prefix("10.0.0.2"), {}, "b"}, {prefix("10.0.0.3"), {}, "c"}, {prefix("10.0.0.4"), {}, "d"}};
  edit.del = {prefix("10.0.0.1"), prefix("10.0.0.9")};
  const EditedBlocklist edited = edit_blocklist(text, edit);
  CHECK(edited.text == "# ours\n\nbroken line\n10.0.0.2 b # why\n10.0.0.3/32 c\n10.0.0.4/32 d\n");
  CHECK(edited.added == 1);
  CHECK(edited.changed == 1);
  CHECK(edited.deleted == 1);
  CHECK(edited.missing == std::vector{prefix("10.0.0.9")});
}

TEST_CASE("blocklist file: pruning takes out what has run out and nothing else", "[policy]") {
  std::size_t count = 0;
  CHECK(prune_blocklist("# x\n10.0.0.1 until=2025-12-31\n10.0.0.2 until=2026-01-02\n10.0.0.3\n", kNow, count) ==
        "# x\n10.0.0.2 until=2026-01-02\n10.0.0.3\n");
  CHECK(count == 1);
}

TEST_CASE("blocklist: edits are in the file and in the table", "[policy]") {
  const test::TempFolder folder;
  const std::string a = folder.file("a.txt");
  const std::string b = folder.file("b.txt");
  write(b, "10.0.0.2 by hand\n");
  Blocklist list;
  CHECK_FALSE(list.edit({}, kNow));
  REQUIRE(list.configure({{a, b}, 0, {}}, kNow));
  CHECK(list.table()->blocks(ip("10.0.0.2")));
  const auto added = list.edit({{{prefix("10.0.0.1"), {}, "why"}}, {}}, kNow);
  REQUIRE(added);
  CHECK(added->added == 1);
  CHECK(list.table()->blocks(ip("10.0.0.1")));
  CHECK(read(a) == "10.0.0.1/32 why\n");
  const auto deleted = list.edit({{}, {prefix("10.0.0.1"), prefix("10.0.0.2"), prefix("10.0.0.3")}}, kNow);
  REQUIRE(deleted);
  CHECK(deleted->deleted == 2);
  CHECK(deleted->missing == std::vector{prefix("10.0.0.3")});
  CHECK(read(b).empty());
  CHECK(list.table()->size() == 0);
}

TEST_CASE("blocklist: changes by hand and the clock make a new table; a wrong file does not", "[policy]") {
  const test::TempFolder folder;
  const std::string path = folder.file("list.txt");
  write(path, "10.0.0.1 until=2026-01-01T00:00:10Z\n10.0.0.2\n");
  Blocklist list;
  REQUIRE(list.configure({{path}, 0, {}}, kNow));
  CHECK_FALSE(*list.refresh(kNow + std::chrono::seconds(9)));
  CHECK(*list.refresh(kNow + std::chrono::seconds(10)));
  CHECK_FALSE(list.table()->blocks(ip("10.0.0.1")));
  CHECK_FALSE(*list.refresh(kNow + std::chrono::seconds(11)));

  write(path, "10.0.0.2\nnonsense\n");
  const auto wrong = list.refresh(kNow);
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().detail == path + ":2: no address or prefix: \"nonsense\"");
  CHECK(list.table()->blocks(ip("10.0.0.2")));
  CHECK_FALSE(*list.refresh(kNow));
  CHECK_FALSE(list.edit({{{prefix("10.0.0.9"), {}, ""}}, {}}, kNow));
  CHECK(read(path) == "10.0.0.2\nnonsense\n");

  write(path, "10.0.0.33\n");
  CHECK(*list.refresh(kNow));
  CHECK(list.table()->blocks(ip("10.0.0.33")));
}
