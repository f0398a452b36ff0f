// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "attestation/formats/tpm.h"

// What parses is written back as the same bytes: there is one encoding of each quote.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto quote = attestation::formats::parse_tpms_attest({data, size});
    if (quote && attestation::formats::serialize_tpms_attest(*quote) != base::Bytes(data, data + size)) std::abort();
    return 0;
}
