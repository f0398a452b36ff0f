// SPDX-License-Identifier: Apache-2.0
#include "answer.h"
#include "authorize.h"
#include "endpoints.h"
#include "key_metadata.h"
#include "resource_path.h"

namespace kbs {

base::Result<net::ServerResponse> answer_key(const Request& request, const Services& services) {
    TRY(require_administrator(request, services));
    TRY_ASSIGN(const ResourceId id, requested_resource(request));
    TRY_ASSIGN(const KeyInfo info, services.store.key_info(id));
    return json_answer(kbs_protocol::serialize(key_metadata(info)));
}

}  // namespace kbs
