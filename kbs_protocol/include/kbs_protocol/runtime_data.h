// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"
#include "crypto/digest.h"

namespace kbs_protocol {

// What evidence commits to (kbs-protocol.md §3.1). Only the JWK members that Trustee's typed struct keeps are in it:
// EC {alg, crv, kty, x, y}, RSA {alg, e, kty, n}; everything else of `tee_pubkey` is dropped on both sides.
// Errors: json_invalid (no EC or RSA JWK with these members as strings).

/// For the primary attester: {"additional-evidence", "nonce", "tee-pubkey"}; also a claim of the token.
base::Result<base::json::Value> primary_runtime_data(std::string_view nonce, const base::json::Value& tee_pubkey,
                                                     std::string_view additional_evidence);
/// For an additional device: {"nonce", "tee-pubkey"}.
base::Result<base::json::Value> device_runtime_data(std::string_view nonce, const base::json::Value& tee_pubkey);

/// The digest of the RFC 8785 form: the report data before it is padded or cut to the hardware's field
/// (kbs-protocol.md §3.2). Errors: json_invalid (a number without canonical form).
base::Result<base::Bytes> runtime_data_digest(crypto::HashAlgorithm algorithm, const base::json::Value& runtime_data);

}  // namespace kbs_protocol
