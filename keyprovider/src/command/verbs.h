// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "keyprovider/config.h"

namespace keyprovider {

/// One handshake with the broker: what was sent and what the broker made of it. Releases nothing.
base::Result<std::string> attest(const Config& config, bool json);

/// The public attestation key of this machine's TPM, which is made on the first call.
base::Result<std::string> show_attestation_key(const Config& config, bool pem);

}  // namespace keyprovider
