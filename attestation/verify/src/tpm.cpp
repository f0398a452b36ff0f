// SPDX-License-Identifier: Apache-2.0
#include "attestation/verify/tpm.h"

#include <fmt/format.h>

#include <algorithm>

#include "attestation/formats/tpm.h"
#include "base/encoding.h"
#include "crypto/digest.h"
#include "crypto/key.h"
#include "crypto/signature.h"
#include "verifier.h"

namespace attestation::verify {
namespace {

using base::ErrorCode;
using formats::TpmEvidence;
using formats::TpmQuote;
using formats::TpmSignature;
namespace alg = formats::tpm_alg;

constexpr std::size_t kReportDataSize = 48;
constexpr std::size_t kExtraDataSize = 32;

class TpmVerification {
  public:
    TpmVerification(const TpmEvidence& evidence, const TpmVerifyOptions& options)
        : evidence_(evidence), options_(options) {}

    Outcome run() {
        const TrustedAk* ak = check_ak();
        const auto quote = formats::parse_tpms_attest(evidence_.quote_message);
        add("structure", "quote", "a TPMS_ATTEST of a quote", quote ? "one" : quote.error().detail(), quote.has_value(),
            ErrorCode::evidence_invalid);
        check_signature();
        if (quote) {
            check_origin(*quote);
            check_pcrs(*quote);
            check_binding(*quote);
        }
        Outcome outcome{.verdict = Verdict::all_of(std::move(findings_)), .evidence = std::nullopt};
        if (outcome.verdict.trusted() && ak != nullptr && quote) {
            outcome.evidence = Verifier::vouch("tpm", claims(*quote, *ak));
        }
        return outcome;
    }

  private:
    void add(std::string check, std::string subject, std::string expected, std::string got, bool ok,
             ErrorCode code = ErrorCode::evidence_refused) {
        findings_.push_back({std::move(check), std::move(subject), std::move(expected), std::move(got), ok, code});
    }

    /// A key that comes with the evidence proves nothing: anyone can make one and say "tpm".
    const TrustedAk* check_ak() {
        const auto found = std::ranges::find(options_.trusted_aks, evidence_.ak_public_spki, &TrustedAk::spki);
        const bool enrolled = found != options_.trusted_aks.end();
        add("trust", "attestation key", "an enrolled key",
            fmt::format("SHA-256 {}{}", base::hex_encode(crypto::sha256(evidence_.ak_public_spki)),
                        enrolled ? ", enrolled as " + found->name : ", not enrolled"),
            enrolled, ErrorCode::ak_not_enrolled);
        return enrolled ? &*found : nullptr;
    }

    void check_signature() {
        const auto key = crypto::PublicKey::from_spki_der(evidence_.ak_public_spki);
        const auto signature = formats::parse_tpmt_signature(evidence_.quote_signature);
        add("structure", "signature", "a TPMT_SIGNATURE", signature ? "one" : signature.error().detail(),
            signature.has_value(), ErrorCode::evidence_invalid);
        add("structure", "attestation key", "an RSA or NIST-curve public key", key ? "one" : key.error().detail(),
            key.has_value(), ErrorCode::evidence_invalid);
        const bool good = key && signature && signature_holds(*key, *signature);
        add("signature", "quote", "signed by the attestation key", good ? "signed" : "not signed by it", good);
    }

    /// Scheme and hash must be the ones that fit the key: no key chooses a weaker hash.
    bool signature_holds(const crypto::PublicKey& key, const TpmSignature& signature) const {
        const base::ByteView message = evidence_.quote_message;
        if (signature.scheme == alg::ecdsa) {
            const bool p256 = key.type() == crypto::KeyType::ec_p256 && signature.hash_algorithm == alg::sha256;
            const bool p384 = key.type() == crypto::KeyType::ec_p384 && signature.hash_algorithm == alg::sha384;
            if (!p256 && !p384) return false;
            const std::size_t width = crypto::ec_coordinate_size(key.type());
            base::Bytes raw(2 * width);
            if (!place(signature.r, std::span(raw).first(width)) || !place(signature.s, std::span(raw).last(width))) {
                return false;
            }
            const auto algorithm = p256 ? crypto::SignatureAlgorithm::es256 : crypto::SignatureAlgorithm::es384;
            return crypto::verify(key, algorithm, message, raw).has_value();
        }
        if (key.type() != crypto::KeyType::rsa || signature.hash_algorithm != alg::sha256) return false;
        const auto algorithm =
            signature.scheme == alg::rsassa ? crypto::SignatureAlgorithm::rs256 : crypto::SignatureAlgorithm::ps256;
        return crypto::verify(key, algorithm, message, signature.rsa, crypto::PssSalt::any).has_value();
    }

    /// TPMs write r and s with or without leading zeros.
    static bool place(base::ByteView number, std::span<std::uint8_t> field) {
        while (!number.empty() && number.front() == 0) number = number.subspan(1);
        if (number.size() > field.size()) return false;
        std::ranges::copy(number, field.end() - static_cast<std::ptrdiff_t>(number.size()));
        return true;
    }

    /// Without the magic value the signed bytes may be anything that the key was asked to sign.
    void check_origin(const TpmQuote& quote) {
        add("structure", "magic", fmt::format("{:#010x}", formats::tpm_generated_value),
            fmt::format("{:#010x}", quote.magic), quote.magic == formats::tpm_generated_value);
    }

    void check_pcrs(const TpmQuote& quote) {
        // Another selection could be over PCRs that anyone may reset, with a digest made to fit (kbs-protocol §5.2).
        const base::Bytes all(formats::tpm_pcr_count / 8, 0xff);
        const bool exact = quote.pcr_selections.size() == 1 && quote.pcr_selections[0].hash_algorithm == alg::sha256 &&
                           quote.pcr_selections[0].bitmap == all;
        std::string got;
        for (const auto& selection : quote.pcr_selections) {
            got += fmt::format("{}{:#06x}:{}", got.empty() ? "" : " ", selection.hash_algorithm,
                               base::hex_encode(selection.bitmap));
        }
        add("structure", "PCR selection", "0x000b:ffffff", got.empty() ? "none" : got, exact);

        const bool complete = evidence_.pcrs.size() == formats::tpm_pcr_count;
        add("structure", "PCR values", "24", std::to_string(evidence_.pcrs.size()), complete);
        base::Bytes joined;
        for (const auto& value : evidence_.pcrs) joined.insert(joined.end(), value.begin(), value.end());
        const auto digest = crypto::sha256(joined);
        add("digest", "PCR values", base::hex_encode(quote.pcr_digest), base::hex_encode(digest),
            base::equal_constant_time(digest, quote.pcr_digest));
    }

    void check_binding(const TpmQuote& quote) {
        const bool known = options_.expected_report_data.size() == kReportDataSize;
        const base::ByteView expected =
            known ? base::ByteView(options_.expected_report_data).first(kExtraDataSize) : base::ByteView();
        add("binding", "extraData", known ? base::hex_encode(expected) : "a digest of 48 bytes",
            base::hex_encode(quote.extra_data), known && base::equal_constant_time(expected, quote.extra_data),
            ErrorCode::evidence_stale);
    }

    [[nodiscard]] base::json::Value claims(const TpmQuote& quote, const TrustedAk& ak) const {
        base::json::Object claims;
        for (std::size_t i = 0; i < evidence_.pcrs.size(); ++i) {
            claims.set(fmt::format("pcr{:02}", i), base::hex_encode(evidence_.pcrs[i]));
        }
        claims.set("ak_public", base::base64_encode(evidence_.ak_public_spki));
        claims.set("report_data", base::hex_encode(quote.extra_data));
        claims.set("init_data", base::hex_encode(evidence_.pcrs[8]));
        claims.set("ak_name", ak.name);
        claims.set("ak_sha256", base::hex_encode(crypto::sha256(evidence_.ak_public_spki)));
        claims.set("firmware_version", fmt::format("{:016x}", quote.firmware_version));
        claims.set("reset_count", quote.reset_count);
        claims.set("restart_count", quote.restart_count);
        claims.set("clock_safe", quote.clock_safe);
        return claims;
    }

    const TpmEvidence& evidence_;
    const TpmVerifyOptions& options_;
    std::vector<Finding> findings_;
};

}  // namespace

Outcome verify_tpm(const TpmEvidence& evidence, const TpmVerifyOptions& options) {
    return TpmVerification(evidence, options).run();
}

}  // namespace attestation::verify
