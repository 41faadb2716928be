#include "verbs.h"

int main(int argc, char** argv) {
  using namespace rpx::cache_tool;
  rpx::cli::App app(kTool, "looks into the caches of a reverse proxy, and purges them", false);
  app.example("rpx-cache stats", "what is stored, and what it has been good for")
      .example("rpx-cache ls --prefix https://example.com/css/", "stored objects, with age and hits")
      .example("rpx-cache explain https://example.com/", "what a request would get now, and by which rule")
      .example("rpx-cache purge --tag product-7 --dry-run", "how much a purge would take");
  add_stats(app);
  add_ls(app);
  add_show(app);
  add_explain(app);
  add_purge(app);
  add_warm(app);
  add_watch(app);
  add_verify(app);
  add_export(app);
  add_import(app);
  add_simulate(app);
  return app.run(argc, argv);
}
