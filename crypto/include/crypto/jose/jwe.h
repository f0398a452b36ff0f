// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/key.h"

namespace crypto::jose {

/// A JWE of one recipient, flattened ([RFC 7516 §7.2.2], kbs-protocol §2.2).
struct Jwe {
    std::string protected_header;  ///< base64url text exactly as sent or received: it is what is authenticated
    base::Bytes encrypted_key;
    base::Bytes iv;
    base::Bytes ciphertext;
    base::Bytes tag;
    std::optional<std::string> aad;  ///< base64url text; authenticated too
};

/// Reads the flattened JSON serialisation. Unprotected headers and several recipients are refused: everything we act
/// on is authenticated. Other unknown members are ignored [RFC7516 §7.2.1]. Errors: crypto_input_invalid.
base::Result<Jwe> parse_jwe(const base::json::Value& json);
/// Members in the order protected, encrypted_key, iv, ciphertext, tag, (aad).
base::json::Value serialize_jwe(const Jwe& jwe);

/// The JOSE `alg` with which we encrypt to a key: "ECDH-ES+A256KW" for NIST curves, "RSA-OAEP-256" for RSA.
/// Errors: crypto_input_invalid (Ed25519).
base::Result<std::string_view> key_management_algorithm(KeyType type);

/// The public key of a JWK to encrypt to, as a TEE sends it (kbs-protocol §2.1): its `alg` must be there and be the one
/// of `key_management_algorithm`, so RSA1_5 and RSA-OAEP (SHA-1) are refused. Errors: crypto_input_invalid.
base::Result<PublicKey> recipient_from_jwk(const base::json::Value& jwk);

/// Encrypts to `recipient` with a fresh content key, A256GCM. The protected header is compact JSON with the members in
/// the order alg, enc, epk{crv,kty,x,y}: guests that re-serialise it get the same text (kbs-protocol §2.4).
base::Result<Jwe> encrypt(const PublicKey& recipient, base::ByteView plaintext);

/// What `encrypt` draws at random.
struct JweEntropy {
    base::SecretBytes content_key;        ///< 32 bytes
    base::Bytes iv;                       ///< 12 bytes
    std::optional<PrivateKey> ephemeral;  ///< on the recipient's curve; not used for RSA
};
/// `encrypt` with given randomness, to reproduce published vectors. Insecure with anything used twice.
base::Result<Jwe> insecure_encrypt_with_entropy(const PublicKey& recipient, base::ByteView plaintext,
                                                const JweEntropy& entropy);

/// [RFC 7516 §5.2] The algorithm follows from the key and the header must agree; `enc` must be A256GCM; `zip` and
/// `crit` are refused. Errors: crypto_input_invalid (header), decryption_failed (everything that depends on a secret).
base::Result<base::SecretBytes> decrypt(const Jwe& jwe, const PrivateKey& key);

}  // namespace crypto::jose
