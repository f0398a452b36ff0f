// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "attestation/formats/tpm_evidence.h"
#include "attestation/verify/tpm.h"

// From the JSON of a stranger to the verdict: nothing crashes, and nothing that comes without a key that signed it is
// trusted, not even when its own key is taken for enrolled.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace attestation;
    const auto json = base::json::parse(base::as_text({data, size}), {.max_bytes = 65536});
    if (!json) return 0;
    const auto evidence = formats::parse_tpm_evidence(*json);
    if (!evidence) return 0;
    if (!(formats::serialize_tpm_evidence(*evidence) ==
          formats::serialize_tpm_evidence(*formats::parse_tpm_evidence(formats::serialize_tpm_evidence(*evidence))))) {
        std::abort();
    }
    const verify::TrustedAk trusted[] = {{"fuzz", evidence->ak_public_spki}};
    const auto outcome =
        verify::verify_tpm(*evidence, {.expected_report_data = base::Bytes(48), .trusted_aks = trusted});
    if (outcome.verdict.trusted() || outcome.evidence) std::abort();
    return 0;
}
