#include "saved.h"

#include <fmt/format.h>

#include "access_lines.h"
#include "base/arena.h"
#include "base/result.h"
#include "base/text.h"
#include "cache/freshness.h"
#include "http/date.h"
#include "http/h1_parse.h"
#include "verbs.h"

namespace rpx::cache_tool {
namespace {

const http::Limits kLimits{};

/// The head that `file` begins with, in the lines of the protocol, whatever ends those of the file.
Result<std::string> head_in(const std::string& file) {
  std::string out;
  bool over = false;
  RPX_TRY_VOID(each_line(file, [&](std::string_view line) -> Status {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (over || (line.empty() && out.empty())) return {};
    over = line.empty();
    // Of other versions only the status line differs.
    if (out.empty() && (line.starts_with("HTTP/2 ") || line.starts_with("HTTP/3 ")))
      out += fmt::format("HTTP/1.1{}", line.substr(6));
    else
      out += line;
    out += "\r\n";
    return {};
  }));
  if (!over) out += "\r\n";
  return out;
}

std::unexpected<Error> no_message(const std::string& file, std::string_view what, std::string_view why) {
  return self_error(ErrorKind::kUsage, fmt::format("{} holds no head of a {}: {}", file, what, why));
}

double seconds_of(Duration span) { return std::chrono::duration<double>(span).count(); }

void add_terms(cli::Records& records, const cache::Terms& terms) {
  records.add({fmt::format("fresh for {:.0f} s: {}", seconds_of(terms.lifetime), terms.source.says),
               std::string(terms.source.section)});
  if (terms.no_cache) records.add({"validated each time it is asked for", "RFC 9111 5.2.2.4"});
  if (terms.must_revalidate) records.add({"never sent stale", "RFC 9111 5.2.2.2"});
  if (terms.stale_while_revalidate > Duration::zero())
    records.add(
        {fmt::format("sent stale for {:.0f} s while it is revalidated", seconds_of(terms.stale_while_revalidate)),
         "RFC 5861 3"});
  if (terms.stale_if_error > Duration::zero())
    records.add(
        {fmt::format("sent stale for {:.0f} s when the origin fails", seconds_of(terms.stale_if_error)), "RFC 5861 4"});
}

std::string_view outcome_of(cache::Use use) noexcept {
  switch (use) {
    case cache::Use::kFresh: return "a hit";
    case cache::Use::kStale: return "sent stale";
    case cache::Use::kRefresh: return "sent stale while it is revalidated";
    case cache::Use::kValidate: break;
  }
  return "validated with the origin";
}

}  // namespace

Result<int> explain_saved(const SavedPair& pair, const cli::Common& common) {
  std::string asked = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  if (!pair.request.empty()) {
    RPX_TRY(asked, head_in(pair.request));
  }
  RPX_TRY(const std::string answered, head_in(pair.reply));
  Arena arena;
  http::RequestHead request;
  if (const auto read = http::parse_request_head(asked, kLimits, arena, request); !read || *read == 0)
    return no_message(pair.request, "request", read ? "it is not whole" : read.error().detail);
  http::ResponseHead reply;
  if (const auto read = http::parse_response_head(answered, kLimits, request.method, reply); !read || *read == 0)
    return no_message(pair.reply, "reply", read ? "it is not whole" : read.error().detail);
  cli::Records records({{"step"}, {"rule"}});
  const WallTime now = std::chrono::system_clock::now();
  const cache::RequestFacts facts = cache::facts_of(request.headers);
  bool hit = false;
  if (request.method != http::Method::kGet && request.method != http::Method::kHead) {
    records.add({fmt::format("passed on: {} is not for the cache", request.method_name), "RFC 9111 3"});
  } else {
    // It was saved when it came, and that it says itself.
    const auto date = http::parse_http_date(reply.headers.value(http::FieldId::kDate));
    const WallTime at = date ? *date : now;
    const cache::Verdict verdict = cache::judge_reply(facts, reply.status, reply.headers, {at, at}, {});
    records.add({fmt::format("{}: {}", verdict.store ? "stored" : "not stored", verdict.why.says),
                 std::string(verdict.why.section)});
    if (verdict.store) {
      add_terms(records, verdict.terms);
      const Duration after = pair.after.value_or(Duration::zero());
      const Duration age = cache::age_at(verdict.terms, at, at + std::chrono::duration_cast<WallTime::duration>(after));
      const cache::Decision decision = cache::decide(verdict.terms, age, facts, false);
      hit = decision.use != cache::Use::kValidate;
      records.add({fmt::format("the same request {:.0f} s later: {}, since {}", seconds_of(after),
                               outcome_of(decision.use), decision.why.says),
                   std::string(decision.why.section)});
    }
  }
  if (!common.quiet)
    cli::write_stdout(
        records.render(common.resolved_format(), cli::use_color(common.color, cli::stdout_is_terminal())));
  return cli::to_int(hit ? cli::ExitCode::kDone : cli::ExitCode::kFalse);
}

}  // namespace rpx::cache_tool
