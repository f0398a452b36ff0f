// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace attestation::verify {

/// One thing that was checked.
struct Finding {
    std::string check;    ///< what kind of check: "signature", "binding", "claim", …
    std::string subject;  ///< what was checked: a field, a claim, a key
    std::string expected;
    std::string got;
    bool ok = false;
    /// What a failure means to the one who asked.
    base::ErrorCode code = base::ErrorCode::evidence_refused;
};

/// The outcome of checks that could be made: all findings, the good ones too, and what they add up to. A verdict that
/// nothing was added to is not trusted.
class Verdict {
  public:
    Verdict() = default;
    /// Trusted where there are findings and all are good.
    static Verdict all_of(std::vector<Finding> findings);
    /// For conditions with alternatives, where a finding may fail and the whole still hold.
    static Verdict decided(bool trusted, std::vector<Finding> findings);

    [[nodiscard]] bool trusted() const { return trusted_ && !findings_.empty(); }
    [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }

  private:
    bool trusted_ = false;
    std::vector<Finding> findings_;
};

}  // namespace attestation::verify
