// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace crypto {

inline constexpr std::size_t aes256_key_size = 32;
inline constexpr std::size_t gcm_nonce_size = 12;
inline constexpr std::size_t gcm_tag_size = 16;

/// [NIST SP 800-38D] AES-256-GCM. Returns the ciphertext (as long as the plaintext) followed by the 16-byte tag.
/// The caller guarantees that a nonce is used once per key. At most 1 GiB.
/// Errors: crypto_input_invalid (a length).
base::Result<base::Bytes> aes256gcm_seal(base::ByteView key, base::ByteView nonce, base::ByteView aad,
                                         base::ByteView plaintext);

/// The counterpart. No plaintext is returned, nor kept in memory, before its tag holds.
/// Errors: crypto_input_invalid (length of key or nonce), decryption_failed (everything else).
base::Result<base::SecretBytes> aes256gcm_open(base::ByteView key, base::ByteView nonce, base::ByteView aad,
                                               base::ByteView ciphertext_and_tag);

/// [NIST SP 800-38A §6.5] AES-256-CTR with a 128-bit big-endian counter that starts at `iv` (16 bytes); encrypts and
/// decrypts. Insecure: whoever holds the ciphertext can change the plaintext bit by bit. For packets of others only.
base::Result<base::SecretBytes> insecure_aes256ctr(base::ByteView key, base::ByteView iv, base::ByteView data);

}  // namespace crypto
