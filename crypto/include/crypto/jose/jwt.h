// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "crypto/key.h"
#include "crypto/signature.h"

namespace crypto::jose {

/// Claims whose signature and times hold. Who may say what (`iss`, `aud`, `role`, …) is for the caller to decide.
struct VerifiedClaims {
    base::json::Value header;
    base::json::Value claims;
};

/// [RFC 7519] A signed compact token. `header` as in `sign_compact`; `claims` is an object. Errors:
/// crypto_input_invalid.
base::Result<std::string> sign_jwt(const base::json::Object& header, const base::json::Value& claims,
                                   const PrivateKey& key, SignatureAlgorithm algorithm);

/// Verifies signature and time. `exp` must be there; `now` must be before `exp` + `leeway` and, where `nbf` is there,
/// not before `nbf` - `leeway`. The algorithm is the caller's, never the token's.
/// Errors: token_invalid, with the reason and nothing of the token.
base::Result<VerifiedClaims> verify_jwt(std::string_view token, const PublicKey& key, SignatureAlgorithm algorithm,
                                        base::TimePoint now, std::chrono::seconds leeway);

/// Claims that nobody has vouched for: to find the key with, or to read a token that only passes through.
struct UnverifiedClaims {
    base::json::Value header;
    base::json::Value claims;
};
/// Errors: token_invalid.
base::Result<UnverifiedClaims> parse_unverified_jwt(std::string_view token);

}  // namespace crypto::jose
