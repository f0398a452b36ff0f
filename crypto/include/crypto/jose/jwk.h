// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "crypto/key.h"

namespace crypto::jose {

/// [RFC 7517, RFC 7518 §6, RFC 8037 §2] Reads kty EC (P-256, P-384, P-521), RSA and OKP (Ed25519). Coordinates have
/// exactly the curve's width, `n` and `e` no leading zeros, base64url is canonical. Members that are not part of the
/// key (`alg`, `use`, `kid`, …) are not looked at; a private member is refused: it does not belong here.
/// Errors: crypto_input_invalid, naming the member.
base::Result<PublicKey> public_key_from_jwk(const base::json::Value& jwk);

/// The same with the private members. RSA needs all of n, e, d, p, q, dp, dq, qi; `oth` is refused.
base::Result<PrivateKey> private_key_from_jwk(const base::json::Value& jwk);

/// Members in the order kty, crv, alg, x, y; kty, alg, n, e; kty, crv, alg, x. An empty `alg` is left out.
base::json::Value jwk_from_public_key(const PublicKey& key, std::string_view alg = {});
base::json::Value jwk_from_private_key(const PrivateKey& key, std::string_view alg = {});

/// [RFC 7638] SHA-256 thumbprint of a public or private JWK, base64url. Errors: crypto_input_invalid.
base::Result<std::string> thumbprint_sha256(const base::json::Value& jwk);

}  // namespace crypto::jose
