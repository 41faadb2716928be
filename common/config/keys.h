// The tables of keys: every key a configuration may hold, each in one row. Constant data, any thread.
#pragma once

#include <vector>

#include "config/key.h"
#include "proxy/options.h"

namespace rpx::config {

/// What is read: the site, and what only matters while reading it.
struct Document {
  proxy::SiteOptions site;
  proxy::RouteOptions defaults;                 ///< [defaults]: what every route starts from
  std::vector<const Node*> listener_tables;     ///< of each of site.listen, for places in reports
  std::vector<const Node*> certificate_tables;  ///< of each of site.certificates
  std::vector<const Entry*> upstream_tables;    ///< of each of site.upstreams, as far as they were named in the file
  std::vector<const Node*> route_tables;        ///< of each of site.routes
};

/// The whole file; its keys are the sections.
extern const Section kFile;

}  // namespace rpx::config
