// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

/// The key provider protocol of ocicrypt, version 1: one JSON request (stdin of a command, or the bytes field of the
/// gRPC messages), one JSON answer. Implements ocicrypt.md §4.2–4.4 and coco-guest.md §0.9–0.10, §5.5.
namespace ocicrypt {

/// A request may carry every key the caller was given, but nobody hands over more than this.
inline constexpr std::size_t max_keyprovider_message = std::size_t{16} << 20;
/// Layer options are 193 bytes today. The limit keeps the packet that wraps them below 64 KiB.
inline constexpr std::size_t max_layer_options = std::size_t{32} << 10;
inline constexpr std::size_t max_annotation = std::size_t{64} << 10;

/// What the caller gave to one key provider (`provider:NAME:VALUE`), in its order. The protocol does not say which of
/// several providers the receiver is.
struct ProviderParameters {
    std::string name;
    std::vector<std::string> values;
};

/// `op: keywrap`.
struct KeyWrapRequest {
    /// The recipients of key providers only: the names of ocicrypt's other schemes (jwe, pkcs7, pgp, pkcs11) are left
    /// out.
    std::vector<ProviderParameters> providers;
    /// The private options of the layer, which hold its key: a JSON object, byte for byte as received. Never empty.
    base::SecretBytes layer_options;
};

/// `op: keyunwrap`. Parameters of this direction (`dc`) are not read: an image must open from its packet alone.
struct KeyUnwrapRequest {
    /// The bytes that a wrap returned. Never empty.
    base::Bytes annotation;
};

using KeyProviderRequest = std::variant<KeyWrapRequest, KeyUnwrapRequest>;

/// Reads a request of Go's or Rust's ocicrypt: either parameter object may be null or absent, so may every map and
/// element; unknown members are ignored, member names match without regard to case; bytes are base64, an array of
/// integers, or — what ocicrypt-rs sends — the JSON text itself. Duplicate members are refused: no ocicrypt writes
/// them, and readers disagree on what they mean.
/// Errors: input_too_large, json_invalid, input_invalid (which names the member).
base::Result<KeyProviderRequest> parse_keyprovider_request(base::ByteView text);

/// Whether `options` are a JSON object, as every version of ocicrypt writes them. Nothing else is looked at: the
/// members belong to the layer cipher. Error: input_invalid.
base::Status check_layer_options(base::ByteView options);

/// The answers: only the result that applies, bytes as an array of integers, because ocicrypt-rs reads no other form
/// and Go reads this one too.
base::WipingString serialize_keywrap_answer(base::ByteView annotation);
base::WipingString serialize_keyunwrap_answer(base::ByteView layer_options);

}  // namespace ocicrypt
