// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "kbs/broker.h"
#include "request.h"

namespace kbs {

/// One function for each endpoint: method and path have been looked at, the rest is theirs.
using EndpointFunction = base::Result<net::ServerResponse>(const Request& request, const Services& services);

EndpointFunction answer_auth;             ///< POST /kbs/v0/auth
EndpointFunction answer_attest;           ///< POST /kbs/v0/attest
EndpointFunction answer_resource_get;     ///< GET /kbs/v0/resource/r/t/g
EndpointFunction answer_resource_post;    ///< POST /kbs/v0/resource/r/t/g
EndpointFunction answer_resource_delete;  ///< DELETE /kbs/v0/resource/r/t/g
EndpointFunction answer_key;              ///< GET /kbs/v0/key/r/t/g
EndpointFunction answer_wrap;             ///< POST /kbs/v0/wrap
EndpointFunction answer_unwrap;           ///< POST /kbs/v0/unwrap

}  // namespace kbs
