#include "verbs.h"

int main(int argc, char** argv) {
  using namespace rpx::check;
  rpx::cli::App app(kTool, "probes servers, and takes them out of a proxy and back", false);
  app.example("rpx-check probe http://127.0.0.1:3000/healthz", "one check, with the time of each phase")
      .example("rpx-check config", "check every server of the configuration")
      .example("rpx-check status", "what the running proxy thinks of its servers")
      .example("rpx-check why http://10.0.0.11:8080", "how it came to be down")
      .example("rpx-check drain --wait http://10.0.0.11:8080", "let it finish what it has")
      .example("rpx-check wait --for healthy --count 2 --timeout 30s", "for scripts")
      .example("rpx-check roll --upstream app -- ./restart.sh {}", "one server after the other");
  add_probe(app);
  add_config(app);
  add_status(app);
  add_watch(app);
  add_why(app);
  add_wait(app);
  add_changes(app);
  add_members(app);
  add_roll(app);
  return app.run(argc, argv);
}
