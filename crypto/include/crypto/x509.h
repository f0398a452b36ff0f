// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/key.h"

struct x509_st;

namespace crypto {

/// An X.509 certificate [RFC 5280], parsed and nothing more: trust comes from `verify_chain`. Cheap to copy.
class Certificate {
  public:
    /// DER of at most 64 KiB, nothing behind it. Errors: certificate_invalid.
    static base::Result<Certificate> from_der(base::ByteView der);
    /// The first certificate of a text as for `chain_from_pem`. Errors: as there.
    static base::Result<Certificate> from_pem(std::string_view pem);
    /// Every certificate of the text in order, 1 to 64 of them; private keys and revocation lists are refused.
    /// Errors: certificate_invalid, input_too_large (1 MiB).
    static base::Result<std::vector<Certificate>> chain_from_pem(std::string_view pem);

    [[nodiscard]] base::Bytes to_der() const;
    [[nodiscard]] std::string to_pem() const;
    /// Errors: crypto_input_invalid for a kind of key we do not use.
    [[nodiscard]] base::Result<PublicKey> public_key() const;
    [[nodiscard]] base::TimePoint not_before() const { return not_before_; }
    [[nodiscard]] base::TimePoint not_after() const { return not_after_; }
    /// Distinguished name as text [RFC 2253], for people: never compare it.
    [[nodiscard]] std::string subject() const;
    [[nodiscard]] std::string issuer() const;
    /// DER content of the extension with this dotted object identifier. An extension that occurs twice is not returned:
    /// which one counts would be anyone's guess.
    [[nodiscard]] std::optional<base::Bytes> extension(std::string_view oid) const;

    friend bool operator==(const Certificate& a, const Certificate& b);

    /// For the sources of this library; borrowed.
    [[nodiscard]] x509_st* x509() const { return certificate_.get(); }
    /// Errors: certificate_invalid.
    static base::Result<Certificate> adopt(std::shared_ptr<x509_st> certificate);

  private:
    Certificate(std::shared_ptr<x509_st> certificate, base::TimePoint not_before, base::TimePoint not_after)
        : certificate_(std::move(certificate)), not_before_(not_before), not_after_(not_after) {}
    std::shared_ptr<x509_st> certificate_;
    base::TimePoint not_before_;
    base::TimePoint not_after_;
};

/// [RFC 5280 §6] Builds and verifies a path from `leaf` through `intermediates` (untrusted, any order) to one of
/// `roots` (self-signed, trusted) as of `at`: signatures (RSA PKCS#1, RSA-PSS, ECDSA, Ed25519 of at least 112 bits of
/// strength, no SHA-1), dates of every certificate (its last second excluded), critical extensions, path length. Every
/// issuer must say CA:TRUE and, in keyUsage, keyCertSign. The system's clock and its roots are never used. No
/// revocation, no name or purpose check: what the leaf may do is the caller's question. Errors: certificate_invalid
/// with OpenSSL's reason and the subject.
base::Status verify_chain(const Certificate& leaf, std::span<const Certificate> intermediates,
                          std::span<const Certificate> roots, base::TimePoint at);

}  // namespace crypto
