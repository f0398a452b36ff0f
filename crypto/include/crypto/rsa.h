// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/key.h"

namespace crypto {

/// [RFC 8017 §7.1] RSAES-OAEP, SHA-256 as hash and in MGF1, empty label: JOSE's RSA-OAEP-256.
/// The plaintext is at most 66 bytes shorter than the modulus. Errors: crypto_input_invalid.
base::Result<base::Bytes> rsa_oaep_sha256_encrypt(const PublicKey& key, base::ByteView plaintext);

/// Errors: crypto_input_invalid (no RSA key), decryption_failed (everything else).
base::Result<base::SecretBytes> rsa_oaep_sha256_decrypt(const PrivateKey& key, base::ByteView ciphertext);

}  // namespace crypto
