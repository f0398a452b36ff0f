// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attestation/formats/tpm_evidence.h"
#include "attestation/verify/tpm.h"
#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"
#include "kbs/session.h"
#include "kbs/store.h"

namespace kbs {

/// Verifies TPM evidence against the attestation keys that are enrolled. `report_data` is the SHA-384 digest; a TPM
/// quotes its first 32 bytes (kbs-protocol §3.2).
base::Result<attestation::verify::Outcome> appraise_tpm(const attestation::formats::TpmEvidence& evidence,
                                                        base::ByteView report_data, Store& store);

/// The node in the shape of the token: `report_data` and `init_data` stand beside the TEE's claims (kbs-protocol §4.1).
AttestedNode attested_node(const attestation::verify::VerifiedEvidence& evidence, base::json::Value runtime_data);

}  // namespace kbs
