// SPDX-License-Identifier: Apache-2.0
#include "handshake.h"

#include <algorithm>

#include "crypto/jose/jwe.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jwt.h"
#include "kbs_protocol/messages.h"
#include "kbs_protocol/runtime_data.h"

namespace kbs_client {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::SecretBytes;
using base::json::Value;

/// Where a token does not tell its lifetime, and the longest we believe.
constexpr std::chrono::seconds assumed_lifetime{60};
constexpr std::chrono::seconds longest_lifetime{24 * 60 * 60};
/// A session is renewed this long before it ends, so that it does not end under a request.
constexpr std::chrono::seconds renewal_margin{30};

net::HeaderList json_headers() {
    return {{"Content-Type", "application/json"}};
}

bool is_cookie_octet(char c) {  // [RFC6265 §4.1.1]
    return c > ' ' && c < '\x7f' && c != '"' && c != ',' && c != ';' && c != '\\';
}

/// The value of the session cookie in an answer; empty where it sets none.
std::string session_cookie_of(const net::HeaderList& headers) {
    std::string value;
    for (const auto& [name, field] : headers) {
        if (!std::ranges::equal(name, std::string_view("set-cookie"), {},
                                [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; })) {
            continue;
        }
        std::string_view cookie = std::string_view(field).substr(0, field.find(';'));
        const std::size_t equals = cookie.find('=');
        if (equals == std::string_view::npos || cookie.substr(0, equals) != kbs_protocol::session_cookie) continue;
        cookie.remove_prefix(equals + 1);
        while (cookie.ends_with(' ')) cookie.remove_suffix(1);
        if (std::ranges::all_of(cookie, is_cookie_octet)) value = cookie;
    }
    return value;
}

/// How long the token lives, by its own account: the broker's clock need not agree with ours.
std::chrono::seconds lifetime_of(const Value& claims) {
    const auto issued = claims.int_at("iat");
    const auto expires = claims.int_at("exp");
    if (!issued || !expires || *issued < 0 || *expires < *issued) return assumed_lifetime;
    return std::min(std::chrono::seconds(*expires - *issued), longest_lifetime);
}

}  // namespace

Result<std::shared_ptr<const Session>> perform_handshake(const ClientOptions& options, const Transport& transport,
                                                         const Operation& operation) {
    if (!options.attester) return Fail(ErrorCode::attester_unavailable, "no attester is configured");
    TRY_ASSIGN(const auto attester, options.attester());
    // The session's life begins here, at the latest: the broker counts from its answer.
    const base::TimePoint started = options.clock();

    const std::string request = serialize(kbs_protocol::guest_request(attester->tee()));
    TRY_ASSIGN(const Answer first,
               transport.exchange(operation, "POST", "auth", json_headers(), SecretBytes::copy_of(request)));
    const auto challenge = kbs_protocol::parse_challenge(first.body.text());
    if (!challenge) return unusable_answer("challenge", challenge.error());
    std::string cookie = session_cookie_of(first.headers);
    if (cookie.empty()) return Fail(ErrorCode::kbs_protocol, "the challenge came without a session cookie");
    TRY_ASSIGN(const crypto::HashAlgorithm hash, kbs_protocol::selected_hash(*challenge));

    TRY_ASSIGN(crypto::PrivateKey tee_key,
               options.tee_key ? options.tee_key() : crypto::PrivateKey::generate(crypto::KeyType::ec_p256));
    const crypto::PublicKey public_key = tee_key.public_key();
    TRY_ASSIGN(const std::string_view algorithm, crypto::jose::key_management_algorithm(public_key.type()));
    kbs_protocol::Attestation attestation;
    attestation.nonce = challenge->nonce;
    attestation.tee_pubkey = crypto::jose::jwk_from_public_key(public_key, algorithm);
    TRY_ASSIGN(const Value runtime_data, kbs_protocol::primary_runtime_data(attestation.nonce, attestation.tee_pubkey,
                                                                            attestation.additional_evidence));
    TRY_ASSIGN(const base::Bytes report_data, kbs_protocol::runtime_data_digest(hash, runtime_data));
    TRY_ASSIGN(attestation.primary_evidence, attester->collect(report_data));

    net::HeaderList headers = json_headers();
    headers.add("Cookie", std::string(kbs_protocol::session_cookie) + '=' + cookie);
    TRY_ASSIGN(const Answer second, transport.exchange(operation, "POST", "attest", std::move(headers),
                                                       SecretBytes::copy_of(serialize(attestation))));
    auto token = kbs_protocol::parse_token_response(second.body.text());
    if (!token) return unusable_answer("attestation token", token.error());
    if (std::string renewed = session_cookie_of(second.headers); !renewed.empty()) cookie = std::move(renewed);

    Value claims;
    if (auto parsed = crypto::jose::parse_unverified_jwt(*token)) claims = std::move(parsed->claims);
    const std::chrono::seconds lifetime = lifetime_of(claims);
    return std::make_shared<const Session>(Session{
        .tee = std::string(attester->tee()),
        .token = std::move(*token),
        .cookie = std::move(cookie),
        .tee_key = std::move(tee_key),
        .expires = started + lifetime,
        .renew_after = started + lifetime - std::min(renewal_margin, lifetime / 5),
        .unverified_claims = std::move(claims),
    });
}

}  // namespace kbs_client
