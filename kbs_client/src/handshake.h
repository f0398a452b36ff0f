// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "kbs_client/client.h"
#include "transport.h"

namespace kbs_client {

/// Request, Challenge, Attestation, Response [kbs-protocol §1.2, §1.3, §1.10], once. Not thread-safe towards the
/// attester that `options` opens.
base::Result<std::shared_ptr<const Session>> perform_handshake(const ClientOptions& options, const Transport& transport,
                                                               const Operation& operation);

}  // namespace kbs_client
