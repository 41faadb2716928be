// The shape of the key tables: a row a key, a section a table of TOML. The rows themselves are in keys.cc and
// keys_of_*.cc; reading, checking, the commented file, the effective configuration, the difference of two and the man
// page all walk them. Constant data, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "config/tree.h"

namespace rpx::config {

class Reader;
struct Key;
struct Section;

/// What is wrong with a text, as in "expected …"; nothing where it is fine.
using Complaint = std::optional<std::string>;
using Check = Complaint (*)(std::string_view text);

/// How values of one type are read from nodes and written to them.
struct KindBase {
  std::string_view name;   ///< in the man page: "duration"
  std::string_view wants;  ///< in messages: `a duration such as "30s"`
  /// Reads `node` into the field, or reports why not.
  void (*read)(Reader& reader, const Key& key, const Node& node, void* field);
  Node (*write)(const Key& key, const void* field);
};

/// A kind whose fields are of type T; the type is what ties a row to its member.
template <class T>
struct Kind : KindBase {};

/// Makes a kind from two functions that know the field's type.
template <class T, void (*Read)(Reader&, const Key&, const Node&, T&), Node (*Write)(const Key&, const T&)>
constexpr Kind<T> make_kind(std::string_view name, std::string_view wants) {
  return {{name, wants,
           [](Reader& reader, const Key& key, const Node& node, void* field) {
             Read(reader, key, node, *static_cast<T*>(field));
           },
           [](const Key& key, const void* field) { return Write(key, *static_cast<const T*>(field)); }}};
}

/// The way from an object to one of its members.
struct Field {
  void* (*of)(void* object) = nullptr;                    ///< makes the value of an optional member
  const void* (*of_const)(const void* object) = nullptr;  ///< null for an optional member without value
  bool optional = false;
};

template <class T>
struct TypedField : Field {};

template <class T>
struct Optional {
  using Value = T;
  static constexpr bool kIs = false;
};
template <class T>
struct Optional<std::optional<T>> {
  using Value = T;
  static constexpr bool kIs = true;
};

template <class Object, class Member>
std::pair<Object, Member> parts_of(Member Object::*);

template <auto Pointer>
constexpr auto make_field() {
  using Object = typename decltype(parts_of(Pointer))::first_type;
  using Member = typename decltype(parts_of(Pointer))::second_type;
  using Value = typename Optional<Member>::Value;
  TypedField<Value> field;
  field.optional = Optional<Member>::kIs;
  field.of = [](void* object) -> void* {
    Member& member = static_cast<Object*>(object)->*Pointer;
    if constexpr (Optional<Member>::kIs) return member ? &*member : &member.emplace();
    return &member;
  };
  field.of_const = [](const void* object) -> const void* {
    const Member& member = static_cast<const Object*>(object)->*Pointer;
    if constexpr (Optional<Member>::kIs) return member ? &*member : nullptr;
    return &member;
  };
  return field;
}

/// `at<&ServeOptions::workers>`: the member a row is about.
template <auto Pointer>
inline constexpr auto at = make_field<Pointer>();

/// The object itself, for rows that fill more than one member.
template <class Object>
inline constexpr TypedField<Object> self = {
    {[](void* object) { return object; }, [](const void* object) { return object; }}};

/// What 0 says.
enum class Zero : std::uint8_t {
  kItself,     ///< just that
  kUnlimited,  ///< no limit: a duration for ever, otherwise Extra::most
  kRefused,
};

/// What only some rows have.
struct Extra {
  std::uint64_t least = 0;
  std::uint64_t most = 0;  ///< 0 = what the field can hold
  Zero zero = Zero::kItself;
  std::string_view unit;       ///< what a number counts: "threads"
  std::string_view choices;    ///< words with spaces between: nothing else is right (with `check`: or what that takes)
  std::string_view later;      ///< words that are known but not yet supported
  std::string_view example;    ///< TOML, where there is no default
  std::string_view start;      ///< TOML, what the commented file starts with instead of the default
  Check check = nullptr;       ///< of a text, or of each text of a list
  Check check_name = nullptr;  ///< of each name of a map
  bool required = false;
};

/// One row.
struct Key {
  std::string_view name;
  const KindBase* kind = nullptr;    ///< null: known, but not yet supported
  const Section* section = nullptr;  ///< of kinds that hold keys of their own
  Field field;
  std::string_view standard;  ///< the default as TOML; empty = none
  std::string_view help;      ///< empty for tables: that of their section
  Extra extra;
};

enum class Shape : std::uint8_t { kTable, kTables, kNamed };

inline constexpr std::size_t kAllKeys = 64;  // and no section has more

/// A TOML table, and what it is called: [serve], each [[listen]], each [upstream.NAME].
struct Section {
  std::string_view name;  ///< "serve", "listen", "upstream.NAME.connect"; empty for the whole file
  std::string_view help;
  Shape shape = Shape::kTable;
  std::span<const Key> keys;
  std::span<const Key> elsewhere = {};  ///< keys people may look for here,
  std::string_view where = {};          ///< and what to tell them
  /// Checks of several keys together, once all are read.
  void (*check)(Reader& reader, const Node& table, void* object) = nullptr;
  /// The first so many keys are its own; the others it shares with [defaults].
  std::size_t own_keys = kAllKeys;
  /// In the file to begin with it is a comment.
  bool optional = false;
  /// A word in place of the table, such as level = "auto": reads it into the object, false for one it does not know;
  /// and what to write instead of the table, empty for the table itself.
  bool (*read_word)(std::string_view word, void* object) = nullptr;
  std::string_view (*write_word)(const void* object) = nullptr;
};

template <class T>
constexpr Key key(std::string_view name, const Kind<T>& kind, const TypedField<T>& field, std::string_view standard,
                  std::string_view help, Extra extra = {}) {
  return {name, &kind, nullptr, field, standard, help, extra};
}

/// A table of its own, or many of one section.
template <class T>
constexpr Key table(std::string_view name, const KindBase& kind, const TypedField<T>& field, const Section& section) {
  return {name, &kind, &section, field, {}, {}, {}};
}

/// A list of values that may be tables, of `section`.
template <class T>
constexpr Key list(std::string_view name, const Kind<T>& kind, const TypedField<T>& field, const Section& section,
                   std::string_view help, Extra extra) {
  return {name, &kind, &section, field, {}, help, extra};
}

/// A key that has one right value for now, and so no member.
constexpr Key only(std::string_view name, const KindBase& kind, std::string_view standard, std::string_view help,
                   Extra extra = {}) {
  return {name, &kind, nullptr, {}, standard, help, extra};
}

/// A key of a later version.
constexpr Key later(std::string_view name) { return {.name = name}; }

}  // namespace rpx::config
