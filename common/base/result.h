// RPX_TRY and RPX_CO_TRY: take a Result's value or hand its error on. Declarations, not expressions,
// so that they read as one line and nest nowhere.
//
//     RPX_TRY(auto head, parse_head(bytes));
//     RPX_CO_TRY(auto lease, co_await pool.lease(server, deadline));
//     RPX_TRY_VOID(check(head));
#pragma once

#include "base/error.h"

#define RPX_CONCAT_(a, b) a##b
#define RPX_CONCAT(a, b) RPX_CONCAT_(a, b)
#define RPX_TRY_IMPL_(ret, temporary, declaration, ...)              \
  auto temporary = (__VA_ARGS__);                                    \
  if (!temporary) ret std::unexpected(std::move(temporary).error()); \
  declaration = std::move(*temporary)
#define RPX_TRY(declaration, ...) RPX_TRY_IMPL_(return, RPX_CONCAT(result_, __LINE__), declaration, __VA_ARGS__)
#define RPX_CO_TRY(declaration, ...) RPX_TRY_IMPL_(co_return, RPX_CONCAT(result_, __LINE__), declaration, __VA_ARGS__)
#define RPX_TRY_VOID_IMPL_(ret, temporary, ...) \
  if (auto temporary = (__VA_ARGS__); !temporary) ret std::unexpected(std::move(temporary).error())
#define RPX_TRY_VOID(...) RPX_TRY_VOID_IMPL_(return, RPX_CONCAT(result_, __LINE__), __VA_ARGS__)
#define RPX_CO_TRY_VOID(...) RPX_TRY_VOID_IMPL_(co_return, RPX_CONCAT(result_, __LINE__), __VA_ARGS__)
