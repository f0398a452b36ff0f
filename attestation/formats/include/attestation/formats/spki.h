// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace attestation::formats {

/// SubjectPublicKeyInfo [RFC 5280 §4.1.2.7, RFC 3279 §2.3.1] of an RSA key. `modulus` is big-endian without leading
/// zeros.
base::Bytes rsa_spki(base::ByteView modulus, std::uint32_t exponent);

/// SubjectPublicKeyInfo [RFC 5480] of a P-256 key, point uncompressed. Coordinates of at most 32 bytes are padded.
base::Bytes p256_spki(base::ByteView x, base::ByteView y);

}  // namespace attestation::formats
