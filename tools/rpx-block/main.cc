#include "verbs.h"

int main(int argc, char** argv) {
  using namespace rpx::block;
  rpx::cli::App app(kTool, "the blocklist of a reverse proxy", false);
  app.example("rpx-block add 192.0.2.7 --for 10m --reason scraper", "block an address, at once")
      .example("rpx-block test 192.0.2.7", "is it blocked? exit status 1 when it is")
      .example("rpx-block del 192.0.2.7", "let it in again")
      .example("rpx-block undo", "take the last edit back; rpx-block log lists them")
      .example("rpx-block simulate --list feed.txt access.log", "whom would it have hit?")
      .example("rpx-block import --file blocklist.txt feed.txt", "take in a list, without a proxy");
  add_add(app);
  add_del(app);
  add_ls(app);
  add_test(app);
  add_import(app);
  add_export(app);
  add_merge(app);
  add_prune(app);
  add_stats(app);
  add_watch(app);
  add_log(app);
  add_undo(app);
  add_simulate(app);
  return app.run(argc, argv);
}
