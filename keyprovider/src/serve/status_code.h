// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/error.h"

namespace keyprovider::serve {

/// The canonical status codes of gRPC that we answer with; the values are those of the wire.
enum class StatusCode : std::uint8_t {
    invalid_argument = 3,
    deadline_exceeded = 4,
    not_found = 5,
    already_exists = 6,
    permission_denied = 7,
    resource_exhausted = 8,
    failed_precondition = 9,
    aborted = 10,
    internal = 13,
    unavailable = 14,
    unauthenticated = 16,
};

/// The one place where an error becomes a gRPC status. Callers act on the code at most by retrying `unavailable`; the
/// text, which begins with our own code, is what people read.
StatusCode status_code(base::ErrorCode code);

}  // namespace keyprovider::serve
