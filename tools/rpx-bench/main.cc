#include "verbs.h"

int main(int argc, char** argv) {
  using namespace rpx::bench;
  rpx::cli::App app(kTool, "puts load on HTTP servers and tells the truth about what came of it");
  // -c is for connections here, and there is no proxy to ask.
  app.without("--config").without("--socket");
  app.example("rpx-bench http://127.0.0.1:8080/", "50 connections for 10 seconds, each as fast as it goes")
      .example("rpx-bench --rate 2k -d 30s http://127.0.0.1:8080/", "2,000 requests a second, however slow replies are")
      .example("rpx-bench -n 1000 --assert 'p99<20ms' http://127.0.0.1:8080/", "exit status 1 when it does not hold");
  add_run(app);
  add_merge(app);
  add_origin(app);
  add_drill(app);
  return app.run(argc, argv);
}
