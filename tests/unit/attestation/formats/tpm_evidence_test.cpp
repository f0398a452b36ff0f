// SPDX-License-Identifier: Apache-2.0
#include "attestation/formats/tpm_evidence.h"

#include <doctest/doctest.h>

#include "tpm_evidence_builder.h"

using namespace attestation::formats;
namespace json = base::json;
using test_support::TpmEvidenceBuilder;

namespace {

/// The valid evidence with one member of `tpm_quote` replaced (or of the top, for "ak_public").
json::Value with(std::string_view name, json::Value value) {
    json::Value evidence = serialize_tpm_evidence(TpmEvidenceBuilder::ecc().build());
    if (name == "ak_public" || name == "tpm_quote") {
        evidence.as_object()->set(name, std::move(value));
        return evidence;
    }
    json::Object quote = *evidence.find("tpm_quote")->as_object();
    quote.set(name, std::move(value));
    evidence.as_object()->set("tpm_quote", std::move(quote));
    return evidence;
}

}  // namespace

TEST_CASE("evidence survives as JSON") {
    const TpmEvidence evidence = TpmEvidenceBuilder::ecc().build();
    const auto again = parse_tpm_evidence(serialize_tpm_evidence(evidence));
    REQUIRE(again);
    CHECK(again->ak_public_spki == evidence.ak_public_spki);
    CHECK(again->quote_message == evidence.quote_message);
    CHECK(again->quote_signature == evidence.quote_signature);
    CHECK(again->pcrs == evidence.pcrs);
    CHECK(parse_tpm_evidence(with("unknown", 1)));
}

TEST_CASE("each malformed member is refused") {
    CHECK(!parse_tpm_evidence(json::Value()));
    CHECK(!parse_tpm_evidence(json::Array()));
    CHECK(!parse_tpm_evidence(with("ak_public", 7)));
    CHECK(!parse_tpm_evidence(with("ak_public", "")));
    CHECK(!parse_tpm_evidence(with("ak_public", "not base64")));
    CHECK(!parse_tpm_evidence(with("ak_public", std::string(8000, 'A'))));
    CHECK(!parse_tpm_evidence(with("tpm_quote", "x")));
    CHECK(!parse_tpm_evidence(with("signature", nullptr)));
    CHECK(!parse_tpm_evidence(with("message", json::Array())));
    CHECK(!parse_tpm_evidence(with("pcrs", "x")));
    CHECK(!parse_tpm_evidence(with("pcrs", json::Array{json::Value(1)})));
    CHECK(!parse_tpm_evidence(with("pcrs", json::Array{json::Value("00")})));
    CHECK(!parse_tpm_evidence(with("pcrs", json::Array{json::Value(std::string(64, 'g'))})));
    CHECK(!parse_tpm_evidence(with("pcrs", json::Array(25, json::Value(std::string(64, '0'))))));
    CHECK(parse_tpm_evidence(with("pcrs", json::Array())));
}
