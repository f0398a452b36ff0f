// SPDX-License-Identifier: Apache-2.0
// Makes TPM evidence in software, valid in every respect; a test then breaks one thing.
#pragma once

#include <functional>
#include <optional>

#include "attestation/formats/tpm.h"
#include "attestation/formats/tpm_evidence.h"
#include "base/bytes.h"
#include "crypto/digest.h"
#include "crypto/key.h"
#include "crypto/signature.h"

namespace test_support {

struct TpmEvidenceBuilder {
    crypto::PrivateKey ak;
    base::Bytes report_data = base::Bytes(48, 0xab);
    std::vector<attestation::formats::PcrValue> pcrs = numbered_pcrs();
    std::uint16_t scheme;
    std::uint16_t hash_algorithm;
    crypto::SignatureAlgorithm algorithm;
    /// Changes the quote before it is signed.
    std::function<void(attestation::formats::TpmQuote&)> change = [](attestation::formats::TpmQuote&) {};

    static TpmEvidenceBuilder rsa() {
        return {*crypto::PrivateKey::generate(crypto::KeyType::rsa), attestation::formats::tpm_alg::rsassa,
                attestation::formats::tpm_alg::sha256, crypto::SignatureAlgorithm::rs256};
    }
    static TpmEvidenceBuilder ecc() {
        return {*crypto::PrivateKey::generate(crypto::KeyType::ec_p256), attestation::formats::tpm_alg::ecdsa,
                attestation::formats::tpm_alg::sha256, crypto::SignatureAlgorithm::es256};
    }

    TpmEvidenceBuilder(crypto::PrivateKey key, std::uint16_t signature_scheme, std::uint16_t hash,
                       crypto::SignatureAlgorithm signature_algorithm)
        : ak(std::move(key)), scheme(signature_scheme), hash_algorithm(hash), algorithm(signature_algorithm) {}

    /// PCR i holds 32 times i.
    static std::vector<attestation::formats::PcrValue> numbered_pcrs() {
        std::vector<attestation::formats::PcrValue> out(24);
        for (std::size_t i = 0; i < out.size(); ++i) out[i].fill(static_cast<std::uint8_t>(i));
        return out;
    }

    [[nodiscard]] base::Bytes spki() const { return ak.public_key().to_spki_der(); }

    [[nodiscard]] attestation::formats::TpmEvidence build() const {
        namespace formats = attestation::formats;
        base::Bytes joined;
        for (const auto& value : pcrs) joined.insert(joined.end(), value.begin(), value.end());
        formats::TpmQuote quote;
        quote.magic = formats::tpm_generated_value;
        quote.type = formats::tpm_st_attest_quote;
        quote.qualified_signer = base::Bytes(34, 0x0b);
        quote.extra_data = base::Bytes(report_data.begin(), report_data.begin() + 32);
        quote.clock = 123456;
        quote.reset_count = 7;
        quote.restart_count = 1;
        quote.clock_safe = true;
        quote.firmware_version = 0x2019102300163636;
        quote.pcr_selections = {{formats::tpm_alg::sha256, base::Bytes(3, 0xff)}};
        quote.pcr_digest = base::to_bytes(crypto::sha256(joined));
        change(quote);

        formats::TpmEvidence evidence;
        evidence.ak_public_spki = spki();
        evidence.quote_message = formats::serialize_tpms_attest(quote);
        const base::Bytes raw = *crypto::sign(ak, algorithm, evidence.quote_message);
        formats::TpmSignature signature{scheme, hash_algorithm, {}, {}, {}};
        if (scheme == formats::tpm_alg::ecdsa) {
            const auto half = static_cast<std::ptrdiff_t>(raw.size() / 2);
            signature.r.assign(raw.begin(), raw.begin() + half);
            signature.s.assign(raw.begin() + half, raw.end());
        } else {
            signature.rsa = raw;
        }
        evidence.quote_signature = formats::serialize_tpmt_signature(signature);
        evidence.pcrs = pcrs;
        return evidence;
    }
};

}  // namespace test_support
