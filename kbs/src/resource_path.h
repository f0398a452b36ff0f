// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "kbs_protocol/resource_id.h"
#include "request.h"

namespace kbs {

/// The key that the three segments behind the endpoint's name stand for (kbs-protocol §1.4). Errors: path_unknown.
base::Result<kbs_protocol::ResourceId> requested_resource(const Request& request);

}  // namespace kbs
