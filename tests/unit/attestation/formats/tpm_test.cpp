// SPDX-License-Identifier: Apache-2.0
#include "attestation/formats/tpm.h"

#include <doctest/doctest.h>

#include "tpm_evidence_builder.h"

using namespace attestation::formats;
using base::ErrorCode;
using test_support::TpmEvidenceBuilder;

TEST_CASE("a quote survives writing and reading") {
    const base::Bytes bytes = TpmEvidenceBuilder::ecc().build().quote_message;
    const auto quote = parse_tpms_attest(bytes);
    REQUIRE(quote);
    CHECK(quote->reset_count == 7);
    CHECK(quote->clock == 123456);
    CHECK(quote->clock_safe);
    CHECK(quote->extra_data.size() == 32);
    CHECK(quote->pcr_selections.at(0).bitmap == base::Bytes{0xff, 0xff, 0xff});
    CHECK(serialize_tpms_attest(*quote) == bytes);
}

TEST_CASE("a quote that is cut anywhere or followed by a byte is refused") {
    base::Bytes bytes = TpmEvidenceBuilder::ecc().build().quote_message;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        CHECK(parse_tpms_attest(base::ByteView(bytes).first(size)).error().code() == ErrorCode::evidence_invalid);
    }
    bytes.push_back(0);
    CHECK(!parse_tpms_attest(bytes));
}

TEST_CASE("other types, odd flags and absurd counts are refused") {
    const base::Bytes good = TpmEvidenceBuilder::ecc().build().quote_message;
    const auto changed = [&](std::size_t offset, std::uint8_t value) {
        base::Bytes bytes = good;
        bytes.at(offset) = value;
        return parse_tpms_attest(bytes).has_value();
    };
    CHECK(changed(0, 0));      // the magic value is for the verifier to judge
    CHECK(!changed(5, 0x17));  // a certification, not a quote
    const std::size_t flag = 6 + 2 + 34 + 2 + 32 + 8 + 4 + 4;
    CHECK(!changed(flag, 2));
    CHECK(!changed(flag + 1 + 8, 0xff));  // 4 billion selections
    CHECK(!changed(flag + 1 + 8 + 3, 9));
}

TEST_CASE("signatures of the three schemes survive; others and leftovers are refused") {
    for (const auto& builder : {TpmEvidenceBuilder::rsa(), TpmEvidenceBuilder::ecc()}) {
        base::Bytes bytes = builder.build().quote_signature;
        const auto signature = parse_tpmt_signature(bytes);
        REQUIRE(signature);
        CHECK(serialize_tpmt_signature(*signature) == bytes);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            CHECK(!parse_tpmt_signature(base::ByteView(bytes).first(size)));
        }
        bytes.push_back(0);
        CHECK(!parse_tpmt_signature(bytes));
    }
    CHECK(!parse_tpmt_signature(base::Bytes{0x00, 0x10, 0x00, 0x0b}));              // TPM_ALG_NULL
    CHECK(!parse_tpmt_signature(base::Bytes{0x00, 0x05, 0x00, 0x0b, 0x00, 0x00}));  // HMAC
}
