#include <fmt/format.h>

#include <map>
#include <memory>

#include "base/result.h"
#include "list.h"
#include "verbs.h"

namespace rpx::block {

namespace {

struct LookOptions {
  Place place;
  std::string ip;
  std::string as = "plain";
};

cli::Records entry_records() { return cli::Records({{"prefix"}, {"until"}, {"hits", true}, {"source"}, {"reason"}}); }

void add_entry(cli::Records& records, const policy::BlockEntry& entry) {
  records.add({entry.prefix.to_string(), entry.until ? cli::Cell(format_rfc3339(*entry.until)) : cli::Cell(),
               entry.hits, entry.source, entry.reason});
}

int print(const cli::Records& records, const cli::Common& common) {
  const bool color = cli::use_color(common.color, cli::stdout_is_terminal());
  cli::write_stdout(records.render(common.resolved_format(), color));
  return 0;
}

Result<int> ls(const LookOptions& options, const cli::Common& common) {
  RPX_TRY(const List list, List::open(options.place, common));
  RPX_TRY(const auto entries, list.entries());
  cli::Records records = entry_records();
  for (const policy::BlockEntry& entry : entries) add_entry(records, entry);
  return print(records, common);
}

Result<int> test(const LookOptions& options, const cli::Common& common) {
  const auto ip = IpAddress::parse(options.ip);
  if (!ip) return self_error(ErrorKind::kUsage, fmt::format("\"{}\" is no address", options.ip));
  RPX_TRY(const List list, List::open(options.place, common));
  RPX_TRY(const auto entry, list.find(*ip));
  if (!entry) return 0;
  if (!common.quiet) {
    cli::Records records = entry_records();
    add_entry(records, *entry);
    print(records, common);
  }
  return cli::to_int(cli::ExitCode::kFalse);
}

Result<int> stats(const LookOptions& options, const cli::Common& common) {
  RPX_TRY(const List list, List::open(options.place, common));
  RPX_TRY(const auto entries, list.entries());
  struct Sum {
    std::uint64_t v4 = 0;
    std::uint64_t v6 = 0;
    std::uint64_t ending = 0;
    std::uint64_t hits = 0;
  };
  std::map<std::string, Sum> sums;
  for (const policy::BlockEntry& entry : entries) {
    Sum& sum = sums[entry.source];
    ++(entry.prefix.address.is_v4() ? sum.v4 : sum.v6);
    if (entry.until) ++sum.ending;
    sum.hits += entry.hits;
  }
  cli::Records records({{"source"}, {"ipv4", true}, {"ipv6", true}, {"ending", true}, {"hits", true}});
  for (const auto& [source, sum] : sums) records.add({source, sum.v4, sum.v6, sum.ending, sum.hits});
  return print(records, common);
}

std::string as_set(const std::vector<IpPrefix>& prefixes, bool nft) {
  std::string out = nft ? "table inet rpx {\n" : "";
  for (const bool v4 : {true, false}) {
    const char* name = v4 ? "rpx_block4" : "rpx_block6";
    out += nft ? fmt::format("  set {} {{\n    type {}\n    flags interval\n", name, v4 ? "ipv4_addr" : "ipv6_addr")
               : fmt::format("create {} hash:net family {} maxelem 2000000 -exist\n", name, v4 ? "inet" : "inet6");
    std::string elements;
    for (const IpPrefix& prefix : prefixes) {
      if (prefix.address.is_v4() != v4) continue;
      if (nft)
        elements += (elements.empty() ? "" : ", ") + prefix.to_string();
      else
        out += fmt::format("add {} {} -exist\n", name, prefix.to_string());
    }
    if (!elements.empty()) out += fmt::format("    elements = {{ {} }}\n", elements);
    if (nft) out += "  }\n";
  }
  return nft ? out + "}\n" : out;
}

Result<int> write_list(const LookOptions& options, const cli::Common& common) {
  RPX_TRY(const List list, List::open(options.place, common));
  RPX_TRY(const auto entries, list.entries());
  if (options.as == "json" || options.as == "csv") {
    cli::Records records({{"prefix"}, {"until"}, {"reason"}});
    for (const policy::BlockEntry& entry : entries)
      records.add({entry.prefix.to_string(), entry.until ? cli::Cell(format_rfc3339(*entry.until)) : cli::Cell(),
                   entry.reason});
    cli::write_stdout(records.render(options.as == "json" ? cli::Format::kJson : cli::Format::kCsv));
    return 0;
  }
  std::string out;
  if (options.as == "plain") {
    for (const policy::BlockEntry& entry : entries)
      out += policy::format_block_line(entry.prefix, entry.until, entry.reason) + '\n';
  } else {
    std::vector<IpPrefix> prefixes;
    for (const policy::BlockEntry& entry : entries) prefixes.push_back(entry.prefix);
    prefixes = policy::IpSet::build(std::move(prefixes)).prefixes();
    if (options.as == "aggregate")
      for (const IpPrefix& prefix : prefixes) out += prefix.to_string() + '\n';
    else
      out = as_set(prefixes, options.as == "nftables");
  }
  cli::write_stdout(out);
  return 0;
}

template <Result<int> (*Run)(const LookOptions&, const cli::Common&)>
auto action_of(const std::shared_ptr<LookOptions>& options) {
  return [options](const cli::Common& common) {
    const Result<int> done = Run(*options, common);
    return done ? *done : cli::report_error(kTool, done.error());
  };
}

}  // namespace

void add_ls(cli::App& app) {
  auto options = std::make_shared<LookOptions>();
  cli::Verb verb = app.verb("ls", "list what is blocked");
  verb.example("rpx-block ls -o json", "with ends, reasons, sources and hits").action(action_of<ls>(options));
  add_place(verb, options->place);
}

void add_test(cli::App& app) {
  auto options = std::make_shared<LookOptions>();
  cli::Verb verb = app.verb("test", "tell whether an address is blocked, and by what");
  verb.example("rpx-block test 192.0.2.7 && echo welcome", "exit status 1 when it is blocked")
      .operand("IP", &options->ip, "an address", true)
      .action(action_of<test>(options));
  add_place(verb, options->place);
}

void add_export(cli::App& app) {
  auto options = std::make_shared<LookOptions>();
  cli::Verb verb = app.verb("export", "write the list for others");
  verb.example("rpx-block export --as nftables | nft -f -", "block in the kernel too")
      .choice("--as", "FORM", &options->as, {"plain", "aggregate", "ipset", "nftables", "json", "csv"},
              "plain is a blocklist again; aggregate the fewest prefixes")
      .action(action_of<write_list>(options));
  add_place(verb, options->place);
}

void add_stats(cli::App& app) {
  auto options = std::make_shared<LookOptions>();
  cli::Verb verb = app.verb("stats", "count entries and hits of each source");
  verb.example("rpx-block stats", "one line for each file").action(action_of<stats>(options));
  add_place(verb, options->place);
}

}  // namespace rpx::block
