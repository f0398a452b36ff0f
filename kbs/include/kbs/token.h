// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/key.h"
#include "crypto/x509.h"
#include "kbs/session.h"

namespace kbs {

/// Attestation results as EAR tokens (JWT, ES256; kbs-protocol §4.1), which others may verify too.
class TokenIssuer {
  public:
    /// `chain` goes into the header (x5c, leaf first); its leaf must certify `key`, which is of curve P-256.
    /// Errors: crypto_input_invalid.
    static base::Result<TokenIssuer> create(crypto::PrivateKey key, std::vector<crypto::Certificate> chain,
                                            std::string issuer, std::chrono::seconds lifetime);

    [[nodiscard]] base::Result<std::string> issue(const AttestedNode& node, base::TimePoint now) const;

    /// Accepts tokens of this issuer and key only; keys in the header are not looked at. Leeway 60 s as in Trustee.
    /// Errors: token_invalid.
    [[nodiscard]] base::Result<AttestedNode> verify(std::string_view token, base::TimePoint now) const;

    [[nodiscard]] const std::string& issuer() const { return issuer_; }

  private:
    TokenIssuer(crypto::PrivateKey key, base::json::Value header_jwk, std::string issuer, std::chrono::seconds lifetime)
        : key_(std::move(key)),
          public_key_(key_.public_key()),
          header_jwk_(std::move(header_jwk)),
          issuer_(std::move(issuer)),
          lifetime_(lifetime) {}
    crypto::PrivateKey key_;
    crypto::PublicKey public_key_;
    base::json::Value header_jwk_;
    std::string issuer_;
    std::chrono::seconds lifetime_;
};

}  // namespace kbs
