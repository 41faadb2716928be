// A blocklist: whatever stands in the file, an edit adds and deletes what it should, and keeps all other lines.
#include "fuzz.h"
#include "policy/blocklist_file.h"

using namespace rpx;
using namespace rpx::policy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const auto read = parse_block_line(text);
  if (read && *read && check_block_reason((*read)->reason)) {
    const std::string line = format_block_line((*read)->prefix, (*read)->until, (*read)->reason);
    RPX_CHECK(!fuzz::breaks_lines(line));
    const auto again = parse_block_line(line);
    RPX_CHECK(again && *again && (*again)->prefix == (*read)->prefix && (*again)->reason == (*read)->reason);
    RPX_CHECK((*again)->until.has_value() == (*read)->until.has_value());
  }
  BlockTable::Builder builder(WallTime{});
  read_block_lines(text, builder);
  const auto table = builder.build({}, 0, nullptr);
  for (std::size_t i = 0; i < table->size(); ++i) RPX_CHECK(table->blocks(table->entry(i).prefix.address));

  const IpPrefix ours = *IpPrefix::parse("192.0.2.1");
  const EditedBlocklist added = edit_blocklist(text, {{{ours, {}, "fuzz"}}, {}});
  const EditedBlocklist again = edit_blocklist(added.text, {{{ours, {}, "fuzz"}}, {}});
  RPX_CHECK(again.added == 0 && again.changed == 0 && again.text == added.text);
  const EditedBlocklist deleted = edit_blocklist(added.text, {{}, {ours}});
  RPX_CHECK(deleted.deleted >= 1 && deleted.text.size() <= added.text.size());
  RPX_CHECK(edit_blocklist(deleted.text, {{}, {ours}}).deleted == 0);
  return 0;
}
