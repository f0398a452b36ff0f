// SPDX-License-Identifier: Apache-2.0
#include "attestation/collect/tpm.h"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <atomic>
#include <thread>
#include <vector>

#include "attestation/formats/tpm_evidence.h"
#include "attestation/verify/tpm.h"
#include "software_tpm.h"

using namespace attestation;
using base::ErrorCode;
using collect::TpmOptions;
using test_support::SoftwareTpm;

namespace {

TpmOptions options_of(const SoftwareTpm& tpm, TpmOptions::AkAlgorithm algorithm = TpmOptions::AkAlgorithm::ecc_p256) {
    return {.tcti = tpm.tcti(), .ak_algorithm = algorithm, .lock_file = tpm.lock_file()};
}

bool verifies(const base::json::Value& json, const base::Bytes& spki, const base::Bytes& report_data) {
    const auto evidence = formats::parse_tpm_evidence(json);
    REQUIRE(evidence);
    const verify::TrustedAk trusted[] = {{"node", spki}};
    return verify::verify_tpm(*evidence, {.expected_report_data = report_data, .trusted_aks = trusted})
        .verdict.trusted();
}

}  // namespace

TEST_CASE("a quote of a TPM verifies under its enrolled key, with RSA and with ECC") {
    for (const auto algorithm : {TpmOptions::AkAlgorithm::rsa2048, TpmOptions::AkAlgorithm::ecc_p256}) {
        const SoftwareTpm tpm;
        const TpmOptions options = options_of(tpm, algorithm);
        const auto spki = collect::tpm_ak_public(options);
        REQUIRE_MESSAGE(spki, spki.error().message());
        const auto attester = collect::open_tpm_attester(options);
        CHECK((*attester)->tee() == "tpm");
        const base::Bytes report_data(48, 0x5a);
        const auto evidence = (*attester)->collect(report_data);
        REQUIRE_MESSAGE(evidence, evidence.error().message());
        CHECK(verifies(*evidence, *spki, report_data));
        CHECK(!verifies(*evidence, *spki, base::Bytes(48, 0x5b)));
    }
}

TEST_CASE("the key is made once and stays the same") {
    const SoftwareTpm tpm;
    const auto first = collect::tpm_ak_public(options_of(tpm));
    const auto second = collect::tpm_ak_public(options_of(tpm));
    REQUIRE(first);
    CHECK(*first == *second);
    // The algorithm of the configuration is for making a key; one that is there and sound is used.
    CHECK(*collect::tpm_ak_public(options_of(tpm, TpmOptions::AkAlgorithm::rsa2048)) == *first);
}

TEST_CASE("two TPMs have two keys") {
    const SoftwareTpm one;
    const SoftwareTpm two;
    CHECK(*collect::tpm_ak_public(options_of(one)) != *collect::tpm_ak_public(options_of(two)));
}

TEST_CASE("many attesters at once take turns, and nothing is left loaded") {
    const SoftwareTpm tpm;
    const TpmOptions options = options_of(tpm);
    const auto spki = collect::tpm_ak_public(options);
    REQUIRE(spki);
    std::atomic<int> good = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; ++i) {
            threads.emplace_back([&, i] {
                const base::Bytes report_data(48, static_cast<std::uint8_t>(i));
                const auto attester = collect::open_tpm_attester(options);
                for (int k = 0; k < 2; ++k) {
                    const auto evidence = (*attester)->collect(report_data);
                    if (evidence && verifies(*evidence, *spki, report_data)) ++good;
                }
            });
        }
    }
    CHECK(good == 16);
}

TEST_CASE("an object at the handle that is no attestation key is an error and stays") {
    const SoftwareTpm tpm;
    const std::string tools =
        "export TPM2TOOLS_TCTI='" + tpm.tcti() + "'; cd " + tpm.lock_file().parent_path().string() +
        " && tpm2_createprimary -Q -C o -c primary.ctx && tpm2_evictcontrol -Q -C o -c primary.ctx 0x81010002";
    REQUIRE(std::system(tools.c_str()) == 0);
    const auto attester = collect::open_tpm_attester(options_of(tpm));
    const auto evidence = (*attester)->collect(base::Bytes(48));
    REQUIRE(!evidence);
    CHECK(evidence.error().code() == ErrorCode::evidence_failed);
    CHECK(evidence.error().detail().contains("0x81010002 is no attestation key of ours"));
    CHECK(!(*attester)->collect(base::Bytes(48)));
}

TEST_CASE("no TPM, a senseless TCTI, a handle out of range and report data of another size are errors") {
    const auto collect_with = [](TpmOptions options) {
        auto attester = collect::open_tpm_attester(std::move(options));
        REQUIRE(attester);
        return (*attester)->collect(base::Bytes(48)).error();
    };
    CHECK(collect_with({.tcti = "device:/nonexistent", .lock_file = {}}).code() == ErrorCode::attester_unavailable);
    CHECK(collect_with({.tcti = "nonsense", .lock_file = {}}).code() == ErrorCode::attester_unavailable);
    CHECK(collect::open_tpm_attester({.ak_handle = 0x40000001}).error().code() == ErrorCode::config_invalid);
    const SoftwareTpm tpm;
    const auto attester = collect::open_tpm_attester(options_of(tpm));
    CHECK((*attester)->collect(base::Bytes(32)).error().code() == ErrorCode::evidence_failed);
}
