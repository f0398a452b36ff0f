// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace attestation::formats {

/// Algorithm identifiers of [TCG Algorithm Registry §5] that this project meets.
namespace tpm_alg {
inline constexpr std::uint16_t sha1 = 0x0004;
inline constexpr std::uint16_t sha256 = 0x000b;
inline constexpr std::uint16_t sha384 = 0x000c;
inline constexpr std::uint16_t rsassa = 0x0014;
inline constexpr std::uint16_t rsapss = 0x0016;
inline constexpr std::uint16_t ecdsa = 0x0018;
}  // namespace tpm_alg

inline constexpr std::uint32_t tpm_generated_value = 0xff544347;
inline constexpr std::uint16_t tpm_st_attest_quote = 0x8018;
/// PCRs of a PC client TPM.
inline constexpr std::size_t tpm_pcr_count = 24;

/// One TPMS_PCR_SELECTION; bit i of byte i/8 stands for PCR i.
struct TpmPcrSelection {
    std::uint16_t hash_algorithm = 0;
    base::Bytes bitmap;
};

/// TPMS_ATTEST [TPM 2.0 Part 2 §10.12.8] of a quote. Parsed only: nothing here is known to be true, not even that a TPM
/// made it (`magic`).
struct TpmQuote {
    std::uint32_t magic = 0;
    std::uint16_t type = 0;
    base::Bytes qualified_signer;
    base::Bytes extra_data;
    std::uint64_t clock = 0;  ///< milliseconds
    std::uint32_t reset_count = 0;
    std::uint32_t restart_count = 0;
    bool clock_safe = false;
    std::uint64_t firmware_version = 0;
    std::vector<TpmPcrSelection> pcr_selections;
    base::Bytes pcr_digest;
};

/// Parses magic and type whatever they are, but the rest as a quote: of another type it is evidence_invalid. At most 8
/// selections. Errors: evidence_invalid.
base::Result<TpmQuote> parse_tpms_attest(base::ByteView bytes);
base::Bytes serialize_tpms_attest(const TpmQuote& quote);

/// TPMT_SIGNATURE [TPM 2.0 Part 2 §11.3.4] of RSASSA, RSAPSS or ECDSA.
struct TpmSignature {
    std::uint16_t scheme = 0;
    std::uint16_t hash_algorithm = 0;
    base::Bytes rsa;  ///< RSASSA and RSAPSS
    base::Bytes r;    ///< ECDSA; big-endian, as the TPM wrote it: leading zeros may be there or not
    base::Bytes s;
};

/// Errors: evidence_invalid, other schemes too.
base::Result<TpmSignature> parse_tpmt_signature(base::ByteView bytes);
base::Bytes serialize_tpmt_signature(const TpmSignature& signature);

}  // namespace attestation::formats
