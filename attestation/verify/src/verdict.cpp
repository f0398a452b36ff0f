// SPDX-License-Identifier: Apache-2.0
#include "attestation/verify/verdict.h"

#include <algorithm>

namespace attestation::verify {

Verdict Verdict::all_of(std::vector<Finding> findings) {
    const bool trusted = std::ranges::all_of(findings, &Finding::ok);
    return decided(trusted, std::move(findings));
}

Verdict Verdict::decided(bool trusted, std::vector<Finding> findings) {
    Verdict verdict;
    verdict.trusted_ = trusted;
    verdict.findings_ = std::move(findings);
    return verdict;
}

}  // namespace attestation::verify
