#include "tls/key_memory.h"
#include "verbs.h"

int main(int argc, char** argv) {
  using namespace rpx::serve;
  rpx::tls::guard_keys();
  rpx::cli::App app(kTool, "a reverse proxy");
  app.example("rpx-serve --to http://127.0.0.1:3000 --listen :8080", "without a file")
      .example("rpx-serve config --init rpx.toml", "a file to begin with; then edit it, and rpx-serve")
      .example("rpx-serve --to http://127.0.0.1:3000 --exec ./test.sh", "a proxy for as long as a command runs")
      .example("rpx-serve check && rpx-serve reload", "swap in a changed file")
      .example("rpx-serve demo", "see it work");
  add_run(app);
  add_check(app);
  add_reload(app);
  add_stop(app);
  add_upgrade(app);
  add_status(app);
  add_top(app);
  add_routes(app);
  add_explain(app);
  add_maintenance(app);
  add_fault(app);
  add_config(app);
  add_demo(app);
  return app.run(argc, argv);
}
