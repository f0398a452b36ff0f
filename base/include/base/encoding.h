// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace base {

/// [RFC4648 §4] standard alphabet with padding.
std::string base64_encode(ByteView bytes);
/// For secrets: the text is wiped when freed.
WipingString base64_encode_secret(ByteView bytes);
/// Canonical only: padding required, no white space, unused bits zero.
Result<Bytes> base64_decode(std::string_view text);
Result<SecretBytes> base64_decode_secret(std::string_view text);
/// As Go's base64.StdEncoding decodes (ocicrypt.md §1.5): '\r' and '\n' are skipped, unused bits are not looked at,
/// padding is required.
Result<Bytes> base64_decode_lenient(std::string_view text);
Result<SecretBytes> base64_decode_lenient_secret(std::string_view text);

/// [RFC4648 §5] URL-safe alphabet without padding, as JOSE uses it ([RFC7515 §2]); decoding is canonical only.
std::string base64url_encode(ByteView bytes);
WipingString base64url_encode_secret(ByteView bytes);
Result<Bytes> base64url_decode(std::string_view text);
Result<SecretBytes> base64url_decode_secret(std::string_view text);

/// Lower case.
std::string hex_encode(ByteView bytes);
/// Either case, even length.
Result<Bytes> hex_decode(std::string_view text);

}  // namespace base
