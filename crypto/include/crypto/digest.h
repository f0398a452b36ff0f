// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace crypto {

using Sha256Digest = std::array<std::uint8_t, 32>;
using Sha384Digest = std::array<std::uint8_t, 48>;
using Sha512Digest = std::array<std::uint8_t, 64>;

enum class HashAlgorithm : std::uint8_t { sha256, sha384, sha512 };

/// [FIPS 180-4]. These cannot fail: an OpenSSL without them aborts the process.
Sha256Digest sha256(base::ByteView data);
Sha384Digest sha384(base::ByteView data);
Sha512Digest sha512(base::ByteView data);
base::Bytes digest(HashAlgorithm algorithm, base::ByteView data);

}  // namespace crypto
