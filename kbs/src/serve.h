// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>

#include "base/result.h"
#include "kbs/config.h"

namespace kbs {

/// Serves until SIGTERM or SIGINT, then finishes what has begun (at most ten seconds). Writes one line
/// "listening on URL" for each address to `out` when it is ready, and its log to standard error.
base::Status serve(const Config& config, std::ostream& out);

}  // namespace kbs
