// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace crypto {

/// [NIST SP 800-56A §5.8.1] Concat KDF with SHA-256 in the form of [RFC 7518 §4.6.2]: OtherInfo is `algorithm`, `apu`
/// and `apv`, each with a 32-bit length, then `key_bits` as SuppPubInfo. `key_bits` is a multiple of 8, at most 2048.
/// Errors: crypto_input_invalid.
base::Result<base::SecretBytes> concat_kdf_sha256(base::ByteView shared_secret, std::string_view algorithm,
                                                  base::ByteView apu, base::ByteView apv, unsigned key_bits);

}  // namespace crypto
