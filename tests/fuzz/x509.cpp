// SPDX-License-Identifier: Apache-2.0
// A certificate that parses is written as it was read, and never verifies under a CA that did not sign it.
#include "crypto/x509.h"

#include <cstdint>
#include <cstdlib>

#include "crypto/x509_issue.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const crypto::Validity validity{base::TimePoint{}, base::TimePoint{std::chrono::seconds(4'000'000'000)}};
    static const auto ca_key = *crypto::PrivateKey::generate(crypto::KeyType::ec_p256);
    static const auto ca = *crypto::issue_ca("CA", ca_key, validity);
    const base::ByteView input{data, size};
    const auto try_certificate = [&](const crypto::Certificate& certificate) {
        (void)certificate.public_key().has_value();
        (void)certificate.subject();
        (void)certificate.issuer();
        (void)certificate.extension("2.5.29.17");
        const base::TimePoint at{std::chrono::seconds(1'700'000'000)};
        if (crypto::verify_chain(certificate, std::span(&certificate, 1), std::span(&ca, 1), at)) std::abort();
        (void)crypto::verify_chain(certificate, {}, std::span(&certificate, 1), at).has_value();
    };
    if (const auto certificate = crypto::Certificate::from_der(input)) try_certificate(*certificate);
    if (const auto chain = crypto::Certificate::chain_from_pem(base::as_text(input))) {
        for (const auto& certificate : *chain) {
            if (!(*crypto::Certificate::from_pem(certificate.to_pem()) == certificate)) std::abort();
            try_certificate(certificate);
        }
    }
    (void)crypto::PublicKey::from_spki_der(input).has_value();
    (void)crypto::PrivateKey::from_pem(input).has_value();
    return 0;
}
