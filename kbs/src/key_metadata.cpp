// SPDX-License-Identifier: Apache-2.0
#include "key_metadata.h"

#include <fmt/chrono.h>

namespace kbs {

std::string rfc3339(base::TimePoint time) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

kbs_protocol::KeyMetadata key_metadata(const KeyInfo& key) {
    return {.key_id = key.id,
            .usage = key.usage,
            .policy = key.policy.value_or(std::string()),
            .key_check_value = key.kcv,
            .version = key.version,
            .created = rfc3339(key.created)};
}

}  // namespace kbs
