// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/key.h"
#include "crypto/x509.h"

namespace crypto {

/// Both ends are inside.
struct Validity {
    base::TimePoint not_before;
    base::TimePoint not_after;
};

/// All certificates are X.509 v3 with a random 127-bit serial, subject and authority key identifiers, and the smallest
/// set of rights; OpenSSL, Go, GnuTLS and rustls accept them. `common_name` has 1 to 64 printable ASCII characters.
/// Errors: crypto_input_invalid.

/// A self-signed CA that may sign end-entity certificates only: basicConstraints critical CA:TRUE, pathlen 0; keyUsage
/// critical keyCertSign, cRLSign.
base::Result<Certificate> issue_ca(std::string_view common_name, const PrivateKey& key, Validity validity);

/// A TLS server certificate: CA:FALSE, keyUsage digitalSignature (RSA: keyEncipherment too), serverAuth, and `names` as
/// subjectAltName. A name is an IP address (v4, v6 without brackets) or a DNS name of letters, digits and hyphens;
/// there is at least one.
base::Result<Certificate> issue_server_certificate(const Certificate& ca, const PrivateKey& ca_key,
                                                   const PublicKey& subject_key, std::span<const std::string> names,
                                                   Validity validity);

/// A certificate for signing tokens (x5c of kbs-protocol §4.1): CA:FALSE, keyUsage digitalSignature, no extended usage.
base::Result<Certificate> issue_signing_certificate(const Certificate& ca, const PrivateKey& ca_key,
                                                    const PublicKey& subject_key, std::string_view common_name,
                                                    Validity validity);

}  // namespace crypto
