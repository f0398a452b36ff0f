// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"

namespace attestation::collect {

/// Hardware that can vouch for this machine.
class Attester {
  public:
    virtual ~Attester() = default;
    /// TEE name on the wire (kbs-protocol §1.9).
    [[nodiscard]] virtual std::string_view tee() const = 0;
    /// Fresh evidence, in the JSON form of its TEE, that commits to `report_data`: the 48-byte digest of the runtime
    /// data (kbs-protocol §3). Thread-safe. Errors: attester_unavailable (no such hardware, or no access),
    /// evidence_failed.
    virtual base::Result<base::json::Value> collect(base::ByteView report_data) = 0;
};

}  // namespace attestation::collect
