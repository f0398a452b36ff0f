// SPDX-License-Identifier: Apache-2.0
#include "attestation/verify/verdict.h"

#include <doctest/doctest.h>

#include <type_traits>

#include "attestation/verify/verified_evidence.h"

using attestation::verify::Finding;
using attestation::verify::Verdict;
using attestation::verify::VerifiedEvidence;

static_assert(!std::is_default_constructible_v<VerifiedEvidence>);
static_assert(!std::is_constructible_v<VerifiedEvidence, std::string, base::json::Value>);

TEST_CASE("a verdict without findings is not trusted, whatever was decided") {
    CHECK(!Verdict().trusted());
    CHECK(!Verdict::all_of({}).trusted());
    CHECK(!Verdict::decided(true, {}).trusted());
}

TEST_CASE("one bad finding is enough") {
    const Finding good{"check", "subject", "a", "a", true};
    Finding bad = good;
    bad.ok = false;
    CHECK(Verdict::all_of({good, good}).trusted());
    CHECK(!Verdict::all_of({good, bad, good}).trusted());
    CHECK(Verdict::decided(true, {good, bad}).trusted());
}
