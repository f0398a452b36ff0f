// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>

#include "base/byte_writer.h"
#include "base/encoding.h"
#include "base/json.h"
#include "crypto/digest.h"
#include "crypto/key.h"
#include "crypto/signature.h"

/// A TPM made of a software key: one valid quote, of which a test breaks one thing.
struct FakeTpm {
    explicit FakeTpm(crypto::KeyType type = crypto::KeyType::ec_p256)
        : attestation_key(*crypto::PrivateKey::generate(type)) {
        for (std::size_t i = 0; i < pcrs.size(); ++i) pcrs[i].fill(static_cast<std::uint8_t>(i));
    }

    crypto::PrivateKey attestation_key;
    std::array<crypto::Sha256Digest, 24> pcrs;

    [[nodiscard]] base::Bytes spki() const { return attestation_key.public_key().to_spki_der(); }

    /// [kbs-protocol §5.7] Evidence over `report_data`, of which a TPM quotes the first 32 bytes.
    [[nodiscard]] base::json::Value quote(base::ByteView report_data) const {
        base::Bytes all;
        for (const auto& pcr : pcrs) all.insert(all.end(), pcr.begin(), pcr.end());
        base::ByteWriter message;
        message.be32(0xff544347);  // TPM_GENERATED_VALUE
        message.be16(0x8018);      // TPM_ST_ATTEST_QUOTE
        message.sized_be16(base::Bytes(34, 0x0b));
        message.sized_be16(report_data.first(32));
        message.be64(123456);  // clock
        message.be32(7);       // reset count
        message.be32(3);       // restart count
        message.u8(1);         // safe
        message.be64(0x2020);  // firmware version
        message.be32(1);       // one bank: SHA-256, PCR 0..23
        message.be16(0x000b);
        message.u8(3);
        message.bytes(base::Bytes(3, 0xff));
        message.sized_be16(crypto::sha256(all));

        base::json::Array values;
        for (const auto& pcr : pcrs) values.emplace_back(base::hex_encode(pcr));
        return base::json::Object{
            {"ak_public", base::json::Value(base::base64_encode(spki()))},
            {"tpm_quote",
             base::json::Object{{"signature", base::json::Value(base::base64_encode(sign(message.view())))},
                                {"message", base::json::Value(base::base64_encode(message.view()))},
                                {"pcrs", values}}}};
    }

  private:
    [[nodiscard]] base::Bytes sign(base::ByteView message) const {
        const bool rsa = attestation_key.type() == crypto::KeyType::rsa;
        const base::Bytes raw = *crypto::sign(
            attestation_key, rsa ? crypto::SignatureAlgorithm::rs256 : crypto::SignatureAlgorithm::es256, message);
        base::ByteWriter signature;
        signature.be16(rsa ? 0x0014 : 0x0018);  // TPM_ALG_RSASSA, TPM_ALG_ECDSA
        signature.be16(0x000b);
        if (rsa) {
            signature.sized_be16(raw);
        } else {
            signature.sized_be16(base::ByteView(raw).first(32));
            signature.sized_be16(base::ByteView(raw).subspan(32));
        }
        return std::move(signature).take();
    }
};
