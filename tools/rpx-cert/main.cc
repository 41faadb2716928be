#include "verbs.h"

int main(int argc, char** argv) {
  using namespace rpx::cert;
  rpx::cli::App app(kTool, "looks at certificates, checks them and makes them", false);
  app.example("rpx-cert inspect example.com", "what that server serves")
      .example("rpx-cert check -c rpx.toml", "will clients like what this configuration serves?")
      .example("rpx-cert check --within 14d site.pem", "exit status 1 when it is to be renewed")
      .example("rpx-cert ca init && rpx-cert ca issue app.test", "a throw-away authority and what it signs")
      .example("rpx-cert reload", "make the running proxy read its certificates again");
  add_inspect(app);
  add_check(app);
  add_list(app);
  add_make(app);
  add_ca(app);
  add_trust(app);
  add_acme(app);
  add_ocsp(app);
  add_lab(app);
  add_reload(app);
  return app.run(argc, argv);
}
