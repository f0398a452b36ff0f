// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/clock.h"
#include "kbs/broker.h"

namespace kbs {

/// [kbs-protocol §1.2] No Path: RFC 6265's default path is /kbs/v0, which guests rely on.
void set_session_cookie(net::ServerResponse& response, std::string_view blob, base::TimePoint expires,
                        const Services& services);

}  // namespace kbs
