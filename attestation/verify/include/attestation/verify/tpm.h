// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>

#include "attestation/formats/tpm_evidence.h"
#include "attestation/verify/verdict.h"
#include "attestation/verify/verified_evidence.h"
#include "base/bytes.h"

namespace attestation::verify {

/// An attestation key that the operator has enrolled.
struct TrustedAk {
    std::string name;
    base::Bytes spki;  ///< SubjectPublicKeyInfo, DER
};

struct TpmVerifyOptions {
    /// The 48-byte digest of the runtime data (kbs-protocol §3.1). A TPM's quote holds its first 32 bytes (§3.2).
    base::Bytes expected_report_data;
    /// Keys whose quotes count. Empty: no evidence is trusted.
    std::span<const TrustedAk> trusted_aks;
};

struct Outcome {
    Verdict verdict;
    /// There exactly when the verdict is trusted.
    std::optional<VerifiedEvidence> evidence;
};

/// Verifies a TPM 2.0 quote: made by a TPM (magic) as a quote, over exactly the 24 SHA-256 PCRs that the evidence
/// lists, bound to `expected_report_data`, signed (RSASSA or RSAPSS with SHA-256, ECDSA with the curve's hash) by a key
/// that is among `trusted_aks`. All findings are given; what cannot be parsed is a finding too.
///
/// Does not show that the key lives in a genuine TPM: enrolling it says so. Does not judge PCR values: that is policy.
///
/// Claims: pcr00…pcr23, init_data (PCR 8), report_data (all lower hex), ak_public (base64 SPKI) as Trustee names them;
/// ak_name, ak_sha256 (hex of the SPKI's SHA-256), firmware_version (hex), reset_count, restart_count, clock_safe.
Outcome verify_tpm(const formats::TpmEvidence& evidence, const TpmVerifyOptions& options);

}  // namespace attestation::verify
