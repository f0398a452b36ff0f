// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace crypto {

/// [RFC 3394 §2.2.1] AES key wrap under a 32-byte KEK with the default initial value. `key` has 16 to 4096 bytes, a
/// multiple of 8; the result is 8 bytes longer. Errors: crypto_input_invalid.
base::Result<base::Bytes> aes256kw_wrap(base::ByteView kek, base::ByteView key);

/// Errors: crypto_input_invalid (length of the KEK), decryption_failed (everything else).
base::Result<base::SecretBytes> aes256kw_unwrap(base::ByteView kek, base::ByteView wrapped);

}  // namespace crypto
