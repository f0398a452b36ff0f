// SPDX-License-Identifier: Apache-2.0
#include "resource_path.h"

#include <fmt/format.h>

namespace kbs {

base::Result<kbs_protocol::ResourceId> requested_resource(const Request& request) {
    // path[0] is the endpoint.
    if (request.path.size() == 4) {
        auto id = kbs_protocol::ResourceId::from_path(
            fmt::format("{}/{}/{}", request.path[1], request.path[2], request.path[3]));
        if (id) return *id;
    }
    return base::Fail(base::Error(base::ErrorCode::path_unknown, "a key is named by REPOSITORY/TYPE/TAG")
                          .with_remedy("each of the three is of A-Z a-z 0-9 _ - . and does not begin with a dot"));
}

}  // namespace kbs
