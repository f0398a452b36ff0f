// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "attestation/formats/tpm.h"

// What parses is written back as the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto signature = attestation::formats::parse_tpmt_signature({data, size});
    if (signature && attestation::formats::serialize_tpmt_signature(*signature) != base::Bytes(data, data + size)) {
        std::abort();
    }
    return 0;
}
