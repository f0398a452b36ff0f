// SPDX-License-Identifier: Apache-2.0
#include "attestation/verify/tpm.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "attestation/formats/spki.h"
#include "attestation/formats/tpm.h"
#include "base/encoding.h"
#include "tpm_evidence_builder.h"

using namespace attestation;
using base::ErrorCode;
using test_support::TpmEvidenceBuilder;
using verify::Outcome;
using verify::TrustedAk;

namespace {

Outcome run(const formats::TpmEvidence& evidence, const TpmEvidenceBuilder& builder) {
    const TrustedAk trusted[] = {{"other", base::Bytes{1}}, {"node-1", builder.spki()}};
    return verify::verify_tpm(evidence, {.expected_report_data = builder.report_data, .trusted_aks = trusted});
}

/// "check subject" of every failed finding.
std::set<std::string> failures(const Outcome& outcome) {
    std::set<std::string> out;
    for (const auto& finding : outcome.verdict.findings()) {
        if (!finding.ok) out.insert(finding.check + " " + finding.subject);
    }
    CHECK(outcome.verdict.trusted() == out.empty());
    CHECK(outcome.evidence.has_value() == out.empty());
    return out;
}

std::set<std::string> failures_of(TpmEvidenceBuilder builder, const std::function<void(TpmEvidenceBuilder&)>& change) {
    change(builder);
    return failures(run(builder.build(), builder));
}

using Strings = std::set<std::string>;

}  // namespace

TEST_CASE("evidence of an enrolled RSA or ECC key verifies and gives Trustee's claims with ours beside them") {
    for (const auto& builder : {TpmEvidenceBuilder::rsa(), TpmEvidenceBuilder::ecc()}) {
        const Outcome outcome = run(builder.build(), builder);
        CHECK(failures(outcome).empty());
        REQUIRE(outcome.evidence);
        CHECK(outcome.evidence->tee() == "tpm");
        const auto& claims = outcome.evidence->claims();
        CHECK(*claims.string_at("pcr07") == "0707070707070707070707070707070707070707070707070707070707070707");
        CHECK(*claims.string_at("init_data") == *claims.string_at("pcr08"));
        CHECK(*claims.string_at("report_data") == std::string(64, 'a').replace(0, 64, [] {
            std::string text;
            for (int i = 0; i < 32; ++i) text += "ab";
            return text;
        }()));
        CHECK(*claims.string_at("ak_public") == base::base64_encode(builder.spki()));
        CHECK(*claims.string_at("ak_name") == "node-1");
        CHECK(*claims.int_at("reset_count") == 7);
        CHECK(*claims.bool_at("clock_safe"));
        CHECK(*claims.string_at("firmware_version") == "2019102300163636");
    }
}

TEST_CASE("RSA-PSS quotes verify too") {
    auto builder = TpmEvidenceBuilder::rsa();
    builder.scheme = formats::tpm_alg::rsapss;
    builder.algorithm = crypto::SignatureAlgorithm::ps256;
    CHECK(failures(run(builder.build(), builder)).empty());
}

TEST_CASE("P-384 quotes verify with SHA-384 and with nothing else") {
    TpmEvidenceBuilder builder(*crypto::PrivateKey::generate(crypto::KeyType::ec_p384), formats::tpm_alg::ecdsa,
                               formats::tpm_alg::sha384, crypto::SignatureAlgorithm::es384);
    CHECK(failures(run(builder.build(), builder)).empty());
    builder.hash_algorithm = formats::tpm_alg::sha256;
    CHECK(failures(run(builder.build(), builder)) == Strings{"signature quote"});
}

TEST_CASE("an RSA key shorter than 2048 bits is refused even where it is enrolled") {
    auto evidence = TpmEvidenceBuilder::rsa().build();
    base::Bytes modulus(128, 0xff);
    evidence.ak_public_spki = formats::rsa_spki(modulus, 65537);
    const TrustedAk trusted[] = {{"short", evidence.ak_public_spki}};
    CHECK(failures(
              verify::verify_tpm(evidence, {.expected_report_data = base::Bytes(48, 0xab), .trusted_aks = trusted})) ==
          Strings{"signature quote", "structure attestation key"});
}

TEST_CASE("a key that nobody enrolled is never enough, though everything else holds") {
    const auto builder = TpmEvidenceBuilder::ecc();
    const Outcome outcome =
        verify::verify_tpm(builder.build(), {.expected_report_data = builder.report_data, .trusted_aks = {}});
    CHECK(failures(outcome) == Strings{"trust attestation key"});
    for (const auto& finding : outcome.verdict.findings()) {
        if (!finding.ok) CHECK(finding.code == ErrorCode::ak_not_enrolled);
    }
    const auto other = TpmEvidenceBuilder::ecc();
    CHECK(failures(run(other.build(), builder)) == Strings{"trust attestation key"});
}

TEST_CASE("evidence under an enrolled key that another key signed is refused") {
    const auto enrolled = TpmEvidenceBuilder::ecc();
    auto evidence = TpmEvidenceBuilder::ecc().build();
    evidence.ak_public_spki = enrolled.spki();
    CHECK(failures(run(evidence, enrolled)) == Strings{"signature quote"});
}

TEST_CASE("each lie of the quote has its own finding") {
    using formats::TpmQuote;
    const auto lie = [](std::function<void(TpmQuote&)> change) {
        return failures_of(TpmEvidenceBuilder::ecc(), [&](TpmEvidenceBuilder& b) { b.change = change; });
    };
    CHECK(lie([](TpmQuote& q) { q.magic = 0; }) == Strings{"structure magic"});
    CHECK(lie([](TpmQuote& q) { q.extra_data[0] ^= 1; }) == Strings{"binding extraData"});
    CHECK(lie([](TpmQuote& q) { q.extra_data.push_back(0); }) == Strings{"binding extraData"});
    CHECK(lie([](TpmQuote& q) { q.extra_data.clear(); }) == Strings{"binding extraData"});
    CHECK(lie([](TpmQuote& q) { q.pcr_digest[0] ^= 1; }) == Strings{"digest PCR values"});
    CHECK(lie([](TpmQuote& q) { q.pcr_selections[0].bitmap[2] = 0x7f; }) == Strings{"structure PCR selection"});
    CHECK(lie([](TpmQuote& q) { q.pcr_selections[0].bitmap.push_back(0); }) == Strings{"structure PCR selection"});
    CHECK(lie([](TpmQuote& q) { q.pcr_selections[0].hash_algorithm = formats::tpm_alg::sha1; }) ==
          Strings{"structure PCR selection"});
    CHECK(lie([](TpmQuote& q) { q.pcr_selections.push_back(q.pcr_selections[0]); }) ==
          Strings{"structure PCR selection"});
    CHECK(lie([](TpmQuote& q) { q.pcr_selections.clear(); }) == Strings{"structure PCR selection"});
    CHECK(lie([](TpmQuote& q) {
              q.magic = 0;
              q.extra_data.clear();
          }) == Strings{"binding extraData", "structure magic"});
}

TEST_CASE("PCR values beside the quote that are not those in it are refused") {
    const auto builder = TpmEvidenceBuilder::ecc();
    auto evidence = builder.build();
    evidence.pcrs[3][0] ^= 1;
    CHECK(failures(run(evidence, builder)) == Strings{"digest PCR values"});
    evidence = builder.build();
    std::swap(evidence.pcrs[1], evidence.pcrs[2]);
    CHECK(failures(run(evidence, builder)) == Strings{"digest PCR values"});
    auto few = TpmEvidenceBuilder::ecc();
    few.pcrs.resize(8);
    CHECK(failures(run(few.build(), few)) == Strings{"structure PCR values"});
}

TEST_CASE("expected report data of another length matches nothing") {
    const auto builder = TpmEvidenceBuilder::ecc();
    const TrustedAk trusted[] = {{"node-1", builder.spki()}};
    for (const std::size_t size : {0UL, 32UL, 64UL}) {
        const Outcome outcome = verify::verify_tpm(
            builder.build(), {.expected_report_data = base::Bytes(size, 0xab), .trusted_aks = trusted});
        CHECK(failures(outcome) == Strings{"binding extraData"});
    }
}

TEST_CASE("a scheme or hash that does not fit the key is refused") {
    auto builder = TpmEvidenceBuilder::ecc();
    builder.hash_algorithm = formats::tpm_alg::sha384;
    CHECK(failures(run(builder.build(), builder)) == Strings{"signature quote"});
    builder = TpmEvidenceBuilder::rsa();
    builder.hash_algorithm = formats::tpm_alg::sha1;
    CHECK(failures(run(builder.build(), builder)) == Strings{"signature quote"});
    builder = TpmEvidenceBuilder::rsa();
    builder.scheme = formats::tpm_alg::rsapss;
    CHECK(failures(run(builder.build(), builder)) == Strings{"signature quote"});
}

TEST_CASE("every single bit of quote, signature and key matters") {
    struct Sweep {
        TpmEvidenceBuilder builder;
        std::size_t step;  // checking an RSA key takes milliseconds each time: one bit of each byte
    };
    for (const auto& [builder, step] : {Sweep{TpmEvidenceBuilder::ecc(), 1}, Sweep{TpmEvidenceBuilder::rsa(), 9}}) {
        const auto good = builder.build();
        CHECK(run(good, builder).verdict.trusted());
        for (base::Bytes formats::TpmEvidence::* part :
             {&formats::TpmEvidence::quote_message, &formats::TpmEvidence::quote_signature,
              &formats::TpmEvidence::ak_public_spki}) {
            for (std::size_t bit = 0; bit < (good.*part).size() * 8; bit += step) {
                auto evidence = good;
                auto& byte = (evidence.*part)[bit / 8];
                byte = static_cast<std::uint8_t>(byte ^ 1U << bit % 8);
                const Outcome outcome = run(evidence, builder);
                CHECK(!outcome.verdict.trusted());
                CHECK(!outcome.evidence);
            }
        }
    }
}

TEST_CASE("recorded evidence of a real TPM fails in its binding and in being enrolled by nobody, and in nothing else") {
    const char* folder = std::getenv("SHARED_VECTORS");
    std::ifstream file(std::string(folder == nullptr ? "" : folder) + "/evidence/tpm/tpm_evidence.json");
    if (!file) {
        MESSAGE("skipped: recorded TPM evidence: no shared vectors here");
        return;
    }
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto evidence = formats::parse_tpm_evidence(*base::json::parse(text, {.max_bytes = 65536}));
    REQUIRE(evidence);
    const TrustedAk trusted[] = {{"recorded", evidence->ak_public_spki}};
    // Its nonce has 64 bytes, from before report data were cut to 32.
    CHECK(failures(verify::verify_tpm(*evidence, {.expected_report_data = base::Bytes(48), .trusted_aks = trusted})) ==
          Strings{"binding extraData"});
    CHECK(failures(verify::verify_tpm(*evidence, {.expected_report_data = base::Bytes(48), .trusted_aks = {}})) ==
          Strings{"binding extraData", "trust attestation key"});
}
