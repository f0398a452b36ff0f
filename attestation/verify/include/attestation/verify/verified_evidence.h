// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace attestation::verify {

/// Claims of evidence that has been verified. Only the verifiers of this library make one: who holds it may rely on it.
class VerifiedEvidence {
  public:
    /// TEE name on the wire (kbs-protocol §1.9).
    [[nodiscard]] std::string_view tee() const { return tee_; }
    /// An object with Trustee's claim names and ours beside them; `report_data` and `init_data` among them.
    [[nodiscard]] const base::json::Value& claims() const { return claims_; }

  private:
    friend class Verifier;
    VerifiedEvidence(std::string tee, base::json::Value claims) : tee_(std::move(tee)), claims_(std::move(claims)) {}

    std::string tee_;
    base::json::Value claims_;
};

}  // namespace attestation::verify
