// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"

namespace attestation::formats {

using PcrValue = std::array<std::uint8_t, 32>;

/// TPM evidence as it travels (kbs-protocol §5.7).
struct TpmEvidence {
    base::Bytes ak_public_spki;   ///< SubjectPublicKeyInfo, DER: says which key, vouches for nothing
    base::Bytes quote_message;    ///< TPMS_ATTEST
    base::Bytes quote_signature;  ///< TPMT_SIGNATURE
    std::vector<PcrValue> pcrs;   ///< SHA-256 bank, PCR 0 first
};

/// Reads {"ak_public":b64,"tpm_quote":{"signature":b64,"message":b64,"pcrs":[hex…]}}. Unknown members are ignored, as
/// Trustee ignores them. At most 24 PCRs and 4 KiB for each binary member. Errors: evidence_invalid.
base::Result<TpmEvidence> parse_tpm_evidence(const base::json::Value& json);
base::json::Value serialize_tpm_evidence(const TpmEvidence& evidence);

}  // namespace attestation::formats
