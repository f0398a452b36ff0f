// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <type_traits>
#include <utility>

#include "base/error.h"

namespace base {

/// A failed result: `return Fail(ErrorCode::x, "detail");`
class [[nodiscard]] Fail {
  public:
    explicit Fail(ErrorCode code, std::string detail = {}) : error_(code, std::move(detail)) {}
    explicit Fail(Error error) : error_(std::move(error)) {}
    Error take() && { return std::move(error_); }

  private:
    Error error_;
};

/// A value or an `Error`. A class of our own because GCC 12's std::expected may be dropped without a warning.
template <typename T>
class [[nodiscard]] Result : public std::expected<T, Error> {
  public:
    using std::expected<T, Error>::expected;
    Result(Fail fail) : std::expected<T, Error>(std::unexpect, std::move(fail).take()) {}
};

using Status = Result<void>;

}  // namespace base

#define BASE_CONCAT_(a, b) a##b
#define BASE_CONCAT(a, b) BASE_CONCAT_(a, b)

/// Returns the error of a `Result<void>` (or of a result whose value is not needed) from the enclosing function.
#define TRY(...)                                                         \
    do {                                                                 \
        if (auto try_result_ = (__VA_ARGS__); !try_result_) [[unlikely]] \
            return ::base::Fail(std::move(try_result_).error());         \
    } while (false)

/// `TRY_ASSIGN(auto value, expression);` returns the error from the enclosing function or assigns the value.
#define TRY_ASSIGN(declaration, ...) TRY_ASSIGN_(BASE_CONCAT(try_result_, __COUNTER__), declaration, __VA_ARGS__)
#define TRY_ASSIGN_(result, declaration, ...)           \
    auto result = (__VA_ARGS__);                        \
    if (!result) [[unlikely]]                           \
        return ::base::Fail(std::move(result).error()); \
    declaration = std::move(*result)
