// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "attestation/verify/verified_evidence.h"

namespace attestation::verify {

/// The only maker of `VerifiedEvidence`; private to this library.
class Verifier {
  public:
    static VerifiedEvidence vouch(std::string tee, base::json::Value claims) {
        return VerifiedEvidence(std::move(tee), std::move(claims));
    }
};

}  // namespace attestation::verify
