// SPDX-License-Identifier: Apache-2.0
#include "attestation/collect/tpm.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

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

TEST_CASE("processes that start together on a fresh TPM make one key and all use it") {
    const SoftwareTpm tpm;
    const TpmOptions options = options_of(tpm);
    std::vector<pid_t> children;
    for (int i = 0; i < 6; ++i) {
        const pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            const base::Bytes report_data(48, static_cast<std::uint8_t>(i));
            const auto attester = collect::open_tpm_attester(options);
            const auto evidence = (*attester)->collect(report_data);
            const auto spki = collect::tpm_ak_public(options);
            // The parent sees only whether all held; _exit, because the doctest of the parent goes on there.
            _exit(evidence && spki && verifies(*evidence, *spki, report_data) ? 0 : 1);
        }
        children.push_back(child);
    }
    for (const pid_t child : children) {
        int status = -1;
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(status == 0);
    }
    CHECK(tpm.run("test \"$(tpm2_getcap handles-persistent)\" = '- 0x81010002'"));
    CHECK(tpm.run("test -z \"$(tpm2_getcap handles-transient)\""));
}

TEST_CASE("the key survives a restart of the machine") {
    const SoftwareTpm tpm;
    const auto before = collect::tpm_ak_public(options_of(tpm));
    REQUIRE(before);
    REQUIRE(tpm.reboot());
    CHECK(*collect::tpm_ak_public(options_of(tpm)) == *before);
}

TEST_CASE("a TPM without a SHA-256 bank cannot attest, and the error says so") {
    const SoftwareTpm tpm;
    REQUIRE(tpm.run("tpm2_pcrallocate -Q sha1:all+sha256:none"));
    REQUIRE(tpm.reboot());
    const auto attester = collect::open_tpm_attester(options_of(tpm));
    const auto evidence = (*attester)->collect(base::Bytes(48));
    REQUIRE(!evidence);
    CHECK(evidence.error().message() == "evidence-failed: TPM: it has no complete SHA-256 bank of PCRs");
}

TEST_CASE("a PCR that was extended shows in the evidence") {
    const SoftwareTpm tpm;
    REQUIRE(tpm.run("tpm2_pcrextend 7:sha256=" + std::string(64, 'a')));
    const auto attester = collect::open_tpm_attester(options_of(tpm));
    const auto json = (*attester)->collect(base::Bytes(48));
    REQUIRE(json);
    const auto evidence = formats::parse_tpm_evidence(*json);
    REQUIRE(evidence);
    CHECK(evidence->pcrs.at(7) != formats::PcrValue{});
    CHECK(evidence->pcrs.at(8) == formats::PcrValue{});
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
    CHECK(tpm.run("test -z \"$(tpm2_getcap handles-transient)\""));
}

TEST_CASE("an object at the handle that is no attestation key is an error and stays") {
    const SoftwareTpm tpm;
    REQUIRE(
        tpm.run("tpm2_createprimary -Q -C o -c primary.ctx && "
                "tpm2_evictcontrol -Q -C o -c primary.ctx 0x81010002"));
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
    CHECK(collect::tpm_ak_public({.ak_handle = 0x40000001}).error().code() == ErrorCode::config_invalid);
    const SoftwareTpm tpm;
    const auto attester = collect::open_tpm_attester(options_of(tpm));
    CHECK((*attester)->collect(base::Bytes(32)).error().code() == ErrorCode::evidence_failed);
}
