// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/key.h"

namespace crypto {

/// The signature algorithms of [RFC 7518 §3.1] and [RFC 8037 §3.1] without the symmetric ones and without `none`.
enum class SignatureAlgorithm : std::uint8_t { es256, es384, es512, rs256, rs384, rs512, ps256, ps384, ps512, eddsa };

/// "ES256", …, "EdDSA" as in a JOSE header.
std::string_view jose_name(SignatureAlgorithm algorithm);
/// Errors: crypto_input_invalid.
base::Result<SignatureAlgorithm> signature_algorithm_from_jose_name(std::string_view name);
/// The one algorithm we sign with under a key of this type: ES256/384/512 by curve, RS256, EdDSA.
SignatureAlgorithm default_signature_algorithm(KeyType type);

/// Signs `data` (not its digest). ECDSA gives r||s of fixed width [RFC 7518 §3.4]; RSA-PSS uses a salt as long as the
/// digest. Errors: crypto_input_invalid where the algorithm does not fit the key (ES256 needs P-256, …).
base::Result<base::Bytes> sign(const PrivateKey& key, SignatureAlgorithm algorithm, base::ByteView data);

enum class PssSalt : std::uint8_t {
    digest_length,  ///< what JOSE demands
    any             ///< TPMs take the longest salt that fits
};

/// Verifies what `sign` makes. Errors: crypto_input_invalid where the algorithm does not fit the key, signature_invalid
/// for everything else, malformed signatures included.
base::Status verify(const PublicKey& key, SignatureAlgorithm algorithm, base::ByteView data, base::ByteView signature,
                    PssSalt salt = PssSalt::digest_length);

/// ECDSA signatures between ASN.1 (`Ecdsa-Sig-Value`, strict DER) and r||s for a NIST curve.
/// Errors: crypto_input_invalid.
base::Result<base::Bytes> ecdsa_der_to_raw(KeyType curve, base::ByteView der);
base::Result<base::Bytes> ecdsa_raw_to_der(KeyType curve, base::ByteView raw);

}  // namespace crypto
