#include "cache/coded_forms.h"

#include <catch2/catch.hpp>

#include "cache/store.h"
#include "unit/cache/fields.h"

namespace rpx::cache {
namespace {

using http::Coding;

CodedForm form_of(std::size_t size, bool final = false) {
  return {.body = std::make_shared<const std::string>(size, 'c'), .final = final};
}

EntryPtr page_of(const std::string& key, const Entry* forms_of = nullptr) {
  NewEntry made;
  made.key = made.url = key;
  made.body = std::make_shared<const std::string>(1000, 'x');
  made.forms_of = forms_of;
  return Entry::make(std::move(made), fields(""), "");
}

TEST_CASE("coded forms: the shorter one stays, and the final one for good", "[cache]") {
  CodedForms forms;
  CHECK_FALSE(forms.find(Coding::kGzip).body);
  const std::ptrdiff_t first = forms.put(Coding::kGzip, form_of(500));
  CHECK(first >= 500);
  CHECK(forms.put(Coding::kGzip, form_of(600)) == 0);
  CHECK(forms.find(Coding::kGzip).body->size() == 500);
  CHECK(forms.put(Coding::kGzip, form_of(400, true)) < 0);
  CHECK(forms.put(Coding::kGzip, form_of(300)) == 0);
  CHECK(forms.find(Coding::kGzip).body->size() == 400);
  CHECK_FALSE(forms.find(Coding::kBr).body);
}

TEST_CASE("coded forms: one at a time makes the final form, and nobody once it is there", "[cache]") {
  CodedForms forms;
  CHECK(forms.claim(Coding::kBr));
  CHECK_FALSE(forms.claim(Coding::kBr));
  CHECK(forms.claim(Coding::kZstd));
  forms.release(Coding::kBr);
  CHECK(forms.claim(Coding::kBr));
  forms.put(Coding::kBr, form_of(10, true));
  forms.release(Coding::kBr);
  CHECK_FALSE(forms.claim(Coding::kBr));
  forms.put(Coding::kGzip, {.useless = true});
  CHECK_FALSE(forms.claim(Coding::kGzip));
}

TEST_CASE("store: forms count among the bytes of their entry, and go with it", "[cache]") {
  Store store("s", 1 << 20);
  const auto entry = page_of("http://h/a");
  store.put(entry);
  const std::uint64_t before = store.bytes();
  store.put_form(*entry, Coding::kGzip, form_of(500));
  store.put_form(*entry, Coding::kBr, form_of(400));
  CHECK(store.bytes() == before + (entry->bytes() - before));
  CHECK(store.bytes() > before + 900);
  store.put_form(*entry, Coding::kGzip, form_of(100, true));
  CHECK(store.bytes() < before + 900);
  CHECK(store.bytes() == entry->bytes());
  store.invalidate("http://h/a");
  CHECK(store.bytes() == 0);
  // Too late: it is not kept any more.
  store.put_form(*entry, Coding::kZstd, form_of(100));
  CHECK(store.bytes() == 0);
  CHECK_FALSE(entry->forms()->find(Coding::kZstd).body);
}

TEST_CASE("store: room is made for forms", "[cache]") {
  const std::size_t each = page_of("http://h/100")->bytes();
  Store store("s", each * 10);
  std::vector<EntryPtr> entries;
  for (int i = 100; i < 110; ++i) {
    entries.push_back(page_of("http://h/" + std::to_string(i)));
    store.put(entries.back());
  }
  for (const EntryPtr& entry : entries) {
    store.put_form(*entry, Coding::kGzip, form_of(900));
    CHECK(store.bytes() <= store.capacity());
  }
  CHECK(store.entries() < 10);
}

TEST_CASE("entry: one that takes the place of another with the same body takes its forms over", "[cache]") {
  Store store("s", 1 << 20);
  const EntryPtr first = page_of("http://h/a");
  store.put(first);
  store.put_form(*first, Coding::kGzip, form_of(500, true));
  const EntryPtr second = page_of("http://h/a", first.get());
  store.put(second);
  CHECK(store.bytes() == second->bytes());
  CHECK(second->forms()->find(Coding::kGzip).final);
  store.invalidate("http://h/a");
  CHECK(store.bytes() == 0);
}

}  // namespace
}  // namespace rpx::cache
