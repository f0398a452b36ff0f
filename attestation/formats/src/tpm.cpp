// SPDX-License-Identifier: Apache-2.0
#include "attestation/formats/tpm.h"

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace attestation::formats {
namespace {

using base::ByteReader;
using base::ErrorCode;
using base::Fail;
using base::Result;

constexpr std::uint32_t kMaxSelections = 8;

Result<base::Bytes> sized(ByteReader& reader) {
    TRY_ASSIGN(const base::ByteView view, reader.sized_be16());
    return base::to_bytes(view);
}

}  // namespace

Result<TpmQuote> parse_tpms_attest(base::ByteView bytes) {
    ByteReader reader(bytes, "TPMS_ATTEST", ErrorCode::evidence_invalid);
    TpmQuote quote;
    TRY_ASSIGN(quote.magic, reader.be32());
    TRY_ASSIGN(quote.type, reader.be16());
    if (quote.type != tpm_st_attest_quote) return Fail(ErrorCode::evidence_invalid, "TPMS_ATTEST: not a quote");
    TRY_ASSIGN(quote.qualified_signer, sized(reader));
    TRY_ASSIGN(quote.extra_data, sized(reader));
    TRY_ASSIGN(quote.clock, reader.be64());
    TRY_ASSIGN(quote.reset_count, reader.be32());
    TRY_ASSIGN(quote.restart_count, reader.be32());
    TRY_ASSIGN(const std::uint8_t safe, reader.u8());
    // A TPMI_YES_NO; any other value would be a second encoding of the same quote.
    if (safe > 1) return Fail(ErrorCode::evidence_invalid, "TPMS_ATTEST: clock safe flag");
    quote.clock_safe = safe == 1;
    TRY_ASSIGN(quote.firmware_version, reader.be64());
    TRY_ASSIGN(const std::uint32_t count, reader.be32());
    if (count > kMaxSelections) return Fail(ErrorCode::evidence_invalid, "TPMS_ATTEST: too many PCR selections");
    for (std::uint32_t i = 0; i < count; ++i) {
        TpmPcrSelection selection;
        TRY_ASSIGN(selection.hash_algorithm, reader.be16());
        TRY_ASSIGN(const std::uint8_t size, reader.u8());
        TRY_ASSIGN(const base::ByteView bitmap, reader.bytes(size));
        selection.bitmap = base::to_bytes(bitmap);
        quote.pcr_selections.push_back(std::move(selection));
    }
    TRY_ASSIGN(quote.pcr_digest, sized(reader));
    TRY(reader.expect_end());
    return quote;
}

base::Bytes serialize_tpms_attest(const TpmQuote& quote) {
    base::ByteWriter writer;
    writer.be32(quote.magic);
    writer.be16(quote.type);
    writer.sized_be16(quote.qualified_signer);
    writer.sized_be16(quote.extra_data);
    writer.be64(quote.clock);
    writer.be32(quote.reset_count);
    writer.be32(quote.restart_count);
    writer.u8(quote.clock_safe ? 1 : 0);
    writer.be64(quote.firmware_version);
    writer.be32(static_cast<std::uint32_t>(quote.pcr_selections.size()));
    for (const TpmPcrSelection& selection : quote.pcr_selections) {
        writer.be16(selection.hash_algorithm);
        writer.u8(static_cast<std::uint8_t>(selection.bitmap.size()));
        writer.bytes(selection.bitmap);
    }
    writer.sized_be16(quote.pcr_digest);
    return std::move(writer).take();
}

Result<TpmSignature> parse_tpmt_signature(base::ByteView bytes) {
    ByteReader reader(bytes, "TPMT_SIGNATURE", ErrorCode::evidence_invalid);
    TpmSignature signature;
    TRY_ASSIGN(signature.scheme, reader.be16());
    TRY_ASSIGN(signature.hash_algorithm, reader.be16());
    switch (signature.scheme) {
        case tpm_alg::rsassa:
        case tpm_alg::rsapss: {
            TRY_ASSIGN(signature.rsa, sized(reader));
            break;
        }
        case tpm_alg::ecdsa: {
            TRY_ASSIGN(signature.r, sized(reader));
            TRY_ASSIGN(signature.s, sized(reader));
            break;
        }
        default:
            return Fail(ErrorCode::evidence_invalid, "TPMT_SIGNATURE: a scheme other than RSASSA, RSAPSS or ECDSA");
    }
    TRY(reader.expect_end());
    return signature;
}

base::Bytes serialize_tpmt_signature(const TpmSignature& signature) {
    base::ByteWriter writer;
    writer.be16(signature.scheme);
    writer.be16(signature.hash_algorithm);
    if (signature.scheme == tpm_alg::ecdsa) {
        writer.sized_be16(signature.r);
        writer.sized_be16(signature.s);
    } else {
        writer.sized_be16(signature.rsa);
    }
    return std::move(writer).take();
}

}  // namespace attestation::formats
