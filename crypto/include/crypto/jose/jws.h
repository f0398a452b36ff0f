// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"
#include "crypto/key.h"
#include "crypto/signature.h"

namespace crypto::jose {

/// Longer compact serialisations are refused before anything is decoded.
inline constexpr std::size_t max_jws_bytes = std::size_t{256} * 1024;

/// A JWS whose signature holds.
struct VerifiedJws {
    base::json::Value header;
    base::Bytes payload;
};

/// [RFC 7515 §3.1] compact serialisation. `header` holds the protected members beside `alg`, which is written first
/// and follows from `algorithm` alone. Errors: crypto_input_invalid.
base::Result<std::string> sign_compact(const base::json::Object& header, base::ByteView payload, const PrivateKey& key,
                                       SignatureAlgorithm algorithm);

/// [RFC 7515 §5.2] The algorithm is the caller's; a header that says another is an error, so that no token chooses how
/// it is verified. `crit` and `b64` are refused: no extension is understood.
/// Errors: crypto_input_invalid (form, header, algorithm), input_too_large, signature_invalid.
base::Result<VerifiedJws> verify_compact(std::string_view text, const PublicKey& key, SignatureAlgorithm algorithm);

/// Header and payload of a compact JWS that nobody has vouched for yet, to find the key with.
struct UnverifiedJws {
    base::json::Value header;
    base::Bytes payload;
};
base::Result<UnverifiedJws> parse_unverified_compact(std::string_view text);

}  // namespace crypto::jose
