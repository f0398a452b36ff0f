// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "attestation/collect/attester.h"
#include "base/bytes.h"
#include "base/result.h"

namespace attestation::collect {

struct TpmOptions {
    /// As for Tss2_TctiLdr: "device:/dev/tpmrm0", "swtpm:path=/run/swtpm.sock", "swtpm:host=127.0.0.1,port=2321", …
    std::string tcti = "device:/dev/tpmrm0";
    /// Persistent handle of the attestation key; Confidential Containers' attester uses the same.
    std::uint32_t ak_handle = 0x81010002;
    enum class AkAlgorithm : std::uint8_t {
        rsa2048,   ///< RSASSA with SHA-256: what Trustee understands
        ecc_p256,  ///< ECDSA with SHA-256: quotes faster
    };
    AkAlgorithm ak_algorithm = AkAlgorithm::rsa2048;
    /// Processes that share a TPM take turns by a lock on this file; it is created where it is missing, and not used
    /// where it cannot be. Empty: no lock.
    std::filesystem::path lock_file = "/run/lock/ocicrypt-keyprovider-tpm.lock";
};

/// Quotes all 24 SHA-256 PCRs with an attestation key: a restricted signing key that never leaves the TPM, made under
/// the endorsement hierarchy when the handle is empty and kept there. A handle that holds anything else is an error;
/// nothing is overwritten. `collect` opens the TPM anew each time and flushes what it loaded. The first 32 bytes of the
/// report data become the quote's extraData (kbs-protocol §3.2).
///
/// Opens nothing yet. Errors: config_invalid (a handle outside the persistent range).
base::Result<std::unique_ptr<Attester>> open_tpm_attester(TpmOptions options);

/// The attestation key's SubjectPublicKeyInfo (DER), for enrolment; makes the key where there is none.
/// Errors: config_invalid (as above), attester_unavailable, evidence_failed.
base::Result<base::Bytes> tpm_ak_public(const TpmOptions& options);

}  // namespace attestation::collect
