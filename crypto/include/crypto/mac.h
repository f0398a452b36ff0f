// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.h"
#include "crypto/digest.h"

namespace crypto {

/// [RFC 2104] HMAC with SHA-256; any key length. Compare the result with base::equal_constant_time.
Sha256Digest hmac_sha256(base::ByteView key, base::ByteView data);

}  // namespace crypto
