// SPDX-License-Identifier: Apache-2.0
#include "serve/status_code.h"

#include <doctest/doctest.h>

using keyprovider::serve::status_code;
using keyprovider::serve::StatusCode;

TEST_CASE("every error has a status that gRPC knows and that is not OK") {
    for (const auto& error : base::all_errors()) {
        const auto value = static_cast<int>(status_code(error.code));
        CHECK_MESSAGE((value >= 3 && value <= 16), error.name);
    }
}

TEST_CASE("what callers act on has the status that they look for") {
    using base::ErrorCode;
    CHECK(status_code(ErrorCode::policy_denied) == StatusCode::permission_denied);
    CHECK(status_code(ErrorCode::json_invalid) == StatusCode::invalid_argument);
    CHECK(status_code(ErrorCode::key_not_found) == StatusCode::not_found);
    CHECK(status_code(ErrorCode::kbs_unreachable) == StatusCode::unavailable);
    CHECK(status_code(ErrorCode::deadline_exceeded) == StatusCode::deadline_exceeded);
    CHECK(status_code(ErrorCode::input_too_large) == StatusCode::resource_exhausted);
}
