// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/key.h"

namespace crypto {

/// [NIST SP 800-56A §5.7.1.2] The x-coordinate of the shared point, always as wide as the curve's field (32, 48 or 66
/// bytes). Both keys are of the same NIST curve. Errors: crypto_input_invalid.
base::Result<base::SecretBytes> ecdh(const PrivateKey& own, const PublicKey& peer);

}  // namespace crypto
