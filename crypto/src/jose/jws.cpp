// SPDX-License-Identifier: Apache-2.0
#include "crypto/jose/jws.h"

#include <fmt/format.h>

#include "../openssl.h"
#include "base/encoding.h"

namespace crypto::jose {
namespace {

using base::json::Object;
using base::json::Value;

struct Parts {
    std::string_view signed_text;
    Value header;
    base::Bytes payload;
    base::Bytes signature;
};

base::Fail malformed(std::string_view what) {
    return openssl::bad_input(fmt::format("JWS: {}", what));
}

base::Result<Parts> split(std::string_view text) {
    if (text.size() > max_jws_bytes) return base::Fail(base::ErrorCode::input_too_large, "JWS");
    const std::size_t first = text.find('.');
    const std::size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
    if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos) {
        return malformed("not three parts");
    }
    const auto header_text = base::base64url_decode(text.substr(0, first));
    auto payload = base::base64url_decode(text.substr(first + 1, second - first - 1));
    auto signature = base::base64url_decode(text.substr(second + 1));
    if (!header_text || !payload || !signature) return malformed("a part is not canonical base64url");
    auto header = base::json::parse(base::as_text(*header_text), {.max_bytes = max_jws_bytes, .max_depth = 16});
    if (!header || header->as_object() == nullptr) return malformed("the header is not a JSON object");
    return Parts{text.substr(0, second), std::move(*header), std::move(*payload), std::move(*signature)};
}

}  // namespace

base::Result<std::string> sign_compact(const Object& header, base::ByteView payload, const PrivateKey& key,
                                       SignatureAlgorithm algorithm) {
    Object whole{{"alg", jose_name(algorithm)}};
    for (const auto& [name, value] : header) {
        if (std::string_view(name) == "alg") return malformed("the header names an algorithm of its own");
        whole.set(name, value);
    }
    std::string text = base::base64url_encode(base::as_bytes(base::json::serialize_public(whole)));
    text += '.';
    text += base::base64url_encode(payload);
    TRY_ASSIGN(const base::Bytes signature, sign(key, algorithm, base::as_bytes(text)));
    return text + '.' + base::base64url_encode(signature);
}

base::Result<VerifiedJws> verify_compact(std::string_view text, const PublicKey& key, SignatureAlgorithm algorithm) {
    TRY_ASSIGN(Parts parts, split(text));
    // [RFC7515 §4.1.11] an extension that is not understood must be refused; `b64` changes what is signed.
    if (parts.header.find("crit") != nullptr || parts.header.find("b64") != nullptr) {
        return malformed("the header asks for an extension");
    }
    const auto named = parts.header.string_at("alg");
    if (!named || *named != jose_name(algorithm)) return malformed("the header names another algorithm");
    TRY(verify(key, algorithm, base::as_bytes(parts.signed_text), parts.signature));
    return VerifiedJws{std::move(parts.header), std::move(parts.payload)};
}

base::Result<UnverifiedJws> parse_unverified_compact(std::string_view text) {
    TRY_ASSIGN(Parts parts, split(text));
    return UnverifiedJws{std::move(parts.header), std::move(parts.payload)};
}

}  // namespace crypto::jose
