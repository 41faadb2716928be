#include "control/gate.h"

#include <openssl/crypto.h>

#include "base/text.h"

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

}  // namespace

std::optional<Reply> refuse_over_tcp(std::string_view method, std::string_view authorization,
                                     const std::string& token) {
  constexpr std::string_view kScheme = "Bearer ";
  const bool reads = method == "GET" || method == "HEAD";
  if (authorization.empty() && reads) return std::nullopt;
  if (token.empty()) {
    if (reads) return std::nullopt;
    return problem_reply(403, "nothing can be changed here: [admin] has no token");
  }
  if (authorization.size() > kScheme.size() && iequals(authorization.substr(0, kScheme.size()), kScheme)) {
    const std::string_view shown = trim(authorization.substr(kScheme.size()));
    if (shown.size() == token.size() && CRYPTO_memcmp(shown.data(), token.data(), token.size()) == 0)
      return std::nullopt;
  }
  return problem_reply(401, "the token of [admin] is asked for: Authorization: Bearer TOKEN");
}

Reply dashboard() { return {.status = 200, .content_type = "text/html; charset=utf-8", .body = std::string(kPage)}; }

}  // namespace rpx::control
