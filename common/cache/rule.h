// Rule: a [cache.NAME] compiled for routes: its options, its key and the store behind it. Built with a site; any
// thread.
#pragma once

#include <memory>

#include "cache/key.h"
#include "cache/store.h"

namespace rpx::cache {

struct Rule {
  CacheOptions options;
  KeyTemplate key;
  std::shared_ptr<Store> store;
  bool takes_get = true;
  bool takes_head = true;

  /// `store` of a site before is taken over, with the new budget. Errors: kConfig.
  static Result<std::shared_ptr<const Rule>> build(const CacheOptions& options, std::shared_ptr<Store> store);
  /// Has the store use the disk store that the options name, or none. One that is in use already stays so. Waits for it
  /// to be known what is there, but not longer than `most`.
  void use_disk(Duration most) const;
};

}  // namespace rpx::cache
