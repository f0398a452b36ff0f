// SPDX-License-Identifier: Apache-2.0
#include "kbs_protocol/runtime_data.h"

#include <array>
#include <span>

#include <fmt/format.h>

namespace kbs_protocol {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::json::Object;
using base::json::Value;

constexpr std::array<std::string_view, 5> ec_members = {"alg", "crv", "kty", "x", "y"};
constexpr std::array<std::string_view, 4> rsa_members = {"alg", "e", "kty", "n"};

Result<Value> hashed_members_of(const Value& tee_pubkey) {
    TRY_ASSIGN(const std::string_view kty, tee_pubkey.string_at("kty"));
    std::span<const std::string_view> members;
    if (kty == "EC") {
        members = ec_members;
    } else if (kty == "RSA") {
        members = rsa_members;
    } else {
        return Fail(ErrorCode::json_invalid, fmt::format("the TEE key has the kty \"{}\"; EC and RSA are supported",
                                                         base::printable_line(kty, 40)));
    }
    Object kept;
    for (const std::string_view name : members) {
        TRY_ASSIGN(const std::string_view text, tee_pubkey.string_at(name));
        kept.set(name, text);
    }
    return Value(std::move(kept));
}

}  // namespace

Result<Value> primary_runtime_data(std::string_view nonce, const Value& tee_pubkey,
                                   std::string_view additional_evidence) {
    TRY_ASSIGN(Value key, hashed_members_of(tee_pubkey));
    return Value(
        Object{{"additional-evidence", additional_evidence}, {"nonce", nonce}, {"tee-pubkey", std::move(key)}});
}

Result<Value> device_runtime_data(std::string_view nonce, const Value& tee_pubkey) {
    TRY_ASSIGN(Value key, hashed_members_of(tee_pubkey));
    return Value(Object{{"nonce", nonce}, {"tee-pubkey", std::move(key)}});
}

Result<base::Bytes> runtime_data_digest(crypto::HashAlgorithm algorithm, const Value& runtime_data) {
    TRY_ASSIGN(const base::WipingString canonical, base::json::canonicalize(runtime_data));
    return crypto::digest(algorithm, base::as_bytes(canonical));
}

}  // namespace kbs_protocol
