// SPDX-License-Identifier: Apache-2.0
#include "attestation/formats/tpm_evidence.h"

#include <algorithm>

#include "attestation/formats/tpm.h"
#include "base/encoding.h"

namespace attestation::formats {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::json::Value;

constexpr std::size_t kMaxBinary = 4096;

Fail invalid(std::string why) {
    return Fail(ErrorCode::evidence_invalid, "TPM evidence: " + std::move(why));
}

Result<base::Bytes> binary(const Value& json, std::string_view name) {
    const auto text = json.string_at(name);
    if (!text) return invalid(text.error().detail());
    auto bytes = base::base64_decode(*text);
    if (!bytes || bytes->empty() || bytes->size() > kMaxBinary) {
        return invalid(std::string(name) + " is not the base64 of 1 to 4096 bytes");
    }
    return std::move(*bytes);
}

}  // namespace

Result<TpmEvidence> parse_tpm_evidence(const Value& json) {
    TpmEvidence evidence;
    TRY_ASSIGN(evidence.ak_public_spki, binary(json, "ak_public"));
    const auto quote = json.value_at("tpm_quote");
    if (!quote) return invalid(quote.error().detail());
    TRY_ASSIGN(evidence.quote_signature, binary(**quote, "signature"));
    TRY_ASSIGN(evidence.quote_message, binary(**quote, "message"));
    const auto pcrs = (*quote)->array_at("pcrs");
    if (!pcrs) return invalid(pcrs.error().detail());
    if ((*pcrs)->size() > tpm_pcr_count) return invalid("more than 24 PCRs");
    for (const Value& element : **pcrs) {
        const auto* text = element.as_string();
        const auto bytes = text == nullptr ? Result<base::Bytes>(base::Bytes()) : base::hex_decode(*text);
        PcrValue value{};
        if (!bytes || bytes->size() != value.size()) return invalid("a PCR is not the hex of 32 bytes");
        std::ranges::copy(*bytes, value.begin());
        evidence.pcrs.push_back(value);
    }
    return evidence;
}

Value serialize_tpm_evidence(const TpmEvidence& evidence) {
    base::json::Array pcrs;
    for (const PcrValue& value : evidence.pcrs) pcrs.emplace_back(base::hex_encode(value));
    return base::json::Object{
        {"ak_public", base::base64_encode(evidence.ak_public_spki)},
        {"tpm_quote", base::json::Object{{"signature", base::base64_encode(evidence.quote_signature)},
                                         {"message", base::base64_encode(evidence.quote_message)},
                                         {"pcrs", std::move(pcrs)}}}};
}

}  // namespace attestation::formats
