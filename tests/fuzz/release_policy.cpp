// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "attestation/policy/release_policy.h"

// No policy holds for claims that are not there or for an issuer that it does not name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace attestation::policy;
    const auto policy = parse_release_policy(base::as_text({data, size}));
    if (!policy) return 0;
    if (appraise(*policy, base::json::Object(), "us").trusted()) std::abort();
    if (appraise(*policy, base::json::Object{{"tee", "tpm"}}, "an issuer that nobody would name").trusted())
        std::abort();
    return 0;
}
