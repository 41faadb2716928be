#include "control/gate.h"

#include <openssl/crypto.h>

#include "base/ip.h"
#include "base/text.h"
#include "policy/jwt.h"
#include "policy/values.h"

namespace rpx::control {
namespace {

constexpr std::string_view kPage = R"html(<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>rpx</title>
<style>
body{font:15px/1.4 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em;color-scheme:light dark}
table{border-collapse:collapse;width:100%;margin:1em 0}td,th{text-align:left;padding:.3em .6em;border-bottom:1px solid #8884}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}.bad{color:#c33;font-weight:600}#why{color:#c33}
</style>
<h1>rpx <small id="version"></small></h1><p id="why" role="status"></p>
<table><tbody id="figures"></tbody></table>
<table><thead><tr><th>Upstream<th>Server<th>State<th class="n">Requests<th class="n">Failures<th class="n">Active<th>Why</thead>
<tbody id="servers"></tbody></table>
<script>
const at=id=>document.getElementById(id);let last=null;
const row=cells=>{const tr=document.createElement("tr");for(const [text,style] of cells){const td=document.createElement("td");
td.textContent=text;if(style)td.className=style;tr.append(td)}return tr};
async function get(path){const reply=await fetch(path);if(!reply.ok)throw new Error(path+": "+reply.status);return reply.json()}
async function look(){try{const [status,upstreams]=await Promise.all([get("/v1/status"),get("/v1/upstreams?limit=1000")]);
const now=performance.now(),rate=last?((status.requests-last.requests)/(now-last.now)*1000).toFixed(1):"";
last={requests:status.requests,now};at("version").textContent=status.version;
const r=status.responses,figures=[["Up for",Math.round(status.uptime)+" s"],["Requests",status.requests],["Requests a second",rate],
["Connections",status.connections],["In progress",status.exchanges],["Replies 2xx, 3xx, 4xx, 5xx",[r["2xx"],r["3xx"],r["4xx"],r["5xx"]].join(", ")],
["Blocked, denied, limited",[status.blocked,status.denied,status.limited].join(", ")]];
at("figures").replaceChildren(...figures.map(([a,b])=>row([[a],[b,"n"]])));
at("servers").replaceChildren(...upstreams.items.flatMap(u=>u.servers.map(s=>row([[u.name],[s.url],[s.state,s.state=="up"?"":"bad"],
[s.requests,"n"],[s.failures,"n"],[s.active,"n"],[s.why||""]]))));at("why").textContent=""}
catch(error){at("why").textContent="No answer: "+error.message}setTimeout(look,2000)}
look();
</script>
</html>
)html";

// Whether `host`, with or without a port, can be no name that somebody else lets lead here.
bool is_own_host(std::string_view host, const proxy::AdminOptions& admin) {
  const std::string_view name = policy::host_of(host);
  if (iequals(name, "localhost") || (!name.empty() && iequals(name, policy::host_of(admin.address)))) return true;
  const bool bracketed = name.size() > 2 && name.starts_with('[') && name.ends_with(']');
  return IpAddress::parse(bracketed ? name.substr(1, name.size() - 2) : name).has_value();
}

bool is_metrics(std::string_view target) { return target.substr(0, target.find('?')) == "/metrics"; }

}  // namespace

Reply needs_token(const proxy::AdminOptions& admin) {
  if (admin.token.empty()) return problem_reply(403, "this takes a token, and [admin] has none");
  return problem_reply(401, "the token of [admin] is asked for: Authorization: Bearer TOKEN");
}

std::expected<bool, Reply> admit_over_tcp(const TcpCall& call, const proxy::AdminOptions& admin) {
  const std::string_view shown = policy::bearer_token(call.authorization);
  const std::string& token = admin.token;
  if (!token.empty() && shown.size() == token.size() && CRYPTO_memcmp(shown.data(), token.data(), token.size()) == 0)
    return true;
  if (!is_own_host(call.host, admin) && !is_metrics(call.target))
    return std::unexpected(problem_reply(
        403, "Host names another host: ask by an address, localhost or the host of admin.address, or show the token"));
  const bool reads = call.method == "GET" || call.method == "HEAD";
  if (reads && (call.authorization.empty() || token.empty())) return false;
  return std::unexpected(needs_token(admin));
}

Reply dashboard(std::string_view method) {
  if (method == "GET" || method == "HEAD")
    return {.status = 200, .content_type = "text/html; charset=utf-8", .body = std::string(kPage)};
  Reply reply = problem_reply(405, "/ is a page for people: GET and HEAD can ask for it");
  reply.allow = "GET, HEAD";
  return reply;
}

}  // namespace rpx::control
