// SPDX-License-Identifier: Apache-2.0
#include "session_cookie.h"

#include <fmt/chrono.h>

#include "kbs_protocol/messages.h"

namespace kbs {

void set_session_cookie(net::ServerResponse& response, std::string_view blob, base::TimePoint expires,
                        const Services& services) {
    // [RFC9110 §5.6.7] IMF-fixdate
    response.headers.add("Set-Cookie", fmt::format("{}={}; Expires={:%a, %d %b %Y %H:%M:%S GMT}; HttpOnly{}",
                                                   kbs_protocol::session_cookie, blob,
                                                   fmt::gmtime(std::chrono::system_clock::to_time_t(expires)),
                                                   services.secure_cookies ? "; Secure" : ""));
}

}  // namespace kbs
