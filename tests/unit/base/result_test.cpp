// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <doctest/doctest.h>

#include <memory>

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;

namespace {

Result<std::unique_ptr<int>> make(bool works) {
    if (!works) return Fail(ErrorCode::internal, "no");
    return std::make_unique<int>(7);
}

Status check(bool works) {
    if (!works) return Fail(ErrorCode::usage);
    return {};
}

Result<int> both(bool first, bool second) {
    TRY(check(first));
    TRY_ASSIGN(const auto value, make(second));
    return *value;
}

}  // namespace

TEST_CASE("TRY and TRY_ASSIGN return the first error and pass values on, also such that can only be moved") {
    CHECK(*both(true, true) == 7);
    CHECK(both(false, true).error().code() == ErrorCode::usage);
    CHECK(both(true, false).error().code() == ErrorCode::internal);
    CHECK(both(true, false).error().detail() == "no");
}
