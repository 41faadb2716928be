#include "control/inside_fetch.h"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/Net/StreamSocketImpl.h>
#include <Poco/NullStream.h>
#include <Poco/StreamCopier.h>
#include <fmt/format.h>

#include <algorithm>
#include <istream>

#include "base/result.h"

namespace rpx::control {
namespace {

// A call holds a control thread for as long as its fetches take.
constexpr int kFetchSeconds = 30;

}  // namespace

Result<Fetch> fetch_of(const std::string& url) {
  const std::size_t scheme = url.find("://");
  Fetch out{.url = url, .scheme = url.substr(0, std::min(scheme, url.size())), .authority = {}, .target = {}};
  const bool odd = std::ranges::any_of(url, [](char c) { return c <= ' ' || c > '~'; });
  if (odd || (out.scheme != "http" && out.scheme != "https"))
    return client_error(ErrorKind::kBadRequest, fmt::format("\"{}\" is no URL: write http://HOST/PATH", url));
  const std::size_t path = std::min(url.find_first_of("/?", scheme + 3), url.size());
  out.authority = url.substr(scheme + 3, path - scheme - 3);
  out.target = url.substr(path, url.find('#') - path);
  if (!out.target.starts_with('/')) out.target.insert(0, 1, '/');
  return out;
}

Fetched fetch_inside(Host& host, const Fetch& what, std::size_t keep) {
  auto inside = host.connect_inside();
  if (!inside) return {.why = inside.error().detail};
  try {
    const Poco::Net::StreamSocket socket(new Poco::Net::StreamSocketImpl(inside->release()));
    Poco::Net::HTTPClientSession session(socket);
    session.setTimeout(Poco::Timespan(kFetchSeconds, 0));
    Poco::Net::HTTPRequest request("GET", what.target, Poco::Net::HTTPMessage::HTTP_1_1);
    request.setHost(what.authority);
    request.set("X-Forwarded-Proto", what.scheme);
    request.set("User-Agent", what.agent);
    request.setKeepAlive(false);
    session.sendRequest(request);
    Poco::Net::HTTPResponse response;
    Poco::NullOutputStream nowhere;
    Fetched out;
    std::istream& body = session.receiveResponse(response);
    out.status = response.getStatus();
    for (const auto& [name, value] : response) out.fields.emplace_back(name, value);
    out.body.resize(keep);
    if (keep != 0) body.read(out.body.data(), static_cast<std::streamsize>(keep));
    out.body.resize(keep != 0 ? static_cast<std::size_t>(body.gcount()) : 0);
    out.bytes = out.body.size();
    if (body.good()) out.bytes += static_cast<std::uint64_t>(Poco::StreamCopier::copyStream64(body, nowhere));
    // What is thrown while a stream is read comes to this bit alone.
    if (body.bad()) return {.why = "the reply was cut short"};
    return out;
  } catch (const Poco::TimeoutException&) {
    return {.why = fmt::format("no reply within {} s", kFetchSeconds)};
  } catch (const Poco::Exception& error) {
    return {.why = "the reply was cut short: " + error.displayText()};
  }
}

}  // namespace rpx::control
