// SPDX-License-Identifier: Apache-2.0
#include "kbs_client/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <concepts>

#include "base/encoding.h"
#include "crypto/jose/jwe.h"
#include "crypto/jose/jwt.h"
#include "handshake.h"
#include "kbs_protocol/messages.h"
#include "kbs_protocol/packet.h"
#include "session_keeper.h"
#include "transport.h"

namespace kbs_client {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::SecretBytes;
using kbs_protocol::ResourceId;

namespace {

constexpr std::chrono::seconds admin_token_lifetime{5 * 60};
/// base64url makes a JWE a third longer than the longest message in it.
constexpr std::size_t max_jwe_bytes = 2 * kbs_protocol::max_message_bytes;

/// Whether a new handshake can help: the broker does not know the session any more. A refusal is final, because the
/// same evidence would be refused again.
bool session_is_gone(const base::Error& error) {
    switch (error.code()) {
        case ErrorCode::session_missing:
        case ErrorCode::session_expired:
        case ErrorCode::session_invalid:
        case ErrorCode::token_invalid:
        // A Trustee gives no codes and answers nearly everything with 401; what it says clearly has a code by now.
        case ErrorCode::kbs_refused:
            return true;
        default:
            return false;
    }
}

Result<SecretBytes> decrypt_answer(const Answer& answer, const Session& session) {
    const auto json = base::json::parse(answer.body.text(), {.max_bytes = max_jwe_bytes});
    if (!json) return unusable_answer("JWE", json.error());
    const auto jwe = crypto::jose::parse_jwe(*json);
    if (!jwe) return unusable_answer("JWE", jwe.error());
    auto plaintext = crypto::jose::decrypt(*jwe, session.tee_key);
    if (!plaintext) return Fail(ErrorCode::kbs_protocol, "the answer is not encrypted to the key of this session");
    return plaintext;
}

std::string percent_encode(std::string_view text) {  // [RFC3986 §2.1]
    std::string out;
    for (const char c : text) {
        const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                c == '-' || c == '.' || c == '_' || c == '~';
        out += unreserved ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

base::Status check_url(std::string_view url) {
    const std::string_view rest = url.starts_with("https://")  ? url.substr(8)
                                  : url.starts_with("http://") ? url.substr(7)
                                                               : std::string_view();
    const bool plain = std::ranges::all_of(rest, [](char c) { return c > ' ' && c < '\x7f'; });
    if (rest.empty() || rest.front() == '/' || !plain || rest.find_first_of("?#@\\") != std::string_view::npos) {
        return Fail(ErrorCode::config_invalid, fmt::format("the key broker's URL \"{}\" is not https://HOST[:PORT]",
                                                           base::printable_line(url, 100)));
    }
    return {};
}

base::Status check_request_id(std::string_view id) {
    const bool characters = std::ranges::all_of(id, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    });
    if (id.size() >= 16 && id.size() <= 64 && characters) return {};
    return Fail(ErrorCode::internal, "malformed request id");
}

}  // namespace

struct Client::State {
    explicit State(ClientOptions given)
        : options(std::move(given)),
          transport(options.http, options.url),
          keeper([this](const Operation& operation) { return perform_handshake(options, transport, operation); },
                 options.clock, options.failure_hold) {}

    [[nodiscard]] Result<Operation> begin(std::string_view request_id) const {
        TRY(check_request_id(request_id));
        return Operation{std::string(request_id), std::chrono::steady_clock::now() + options.deadline};
    }

    /// Sends a request within a session and decrypts the answer; renews the session once where the broker forgot it.
    Result<SecretBytes> ask(const Operation& operation, std::string_view method, std::string_view path,
                            std::string_view body) {
        TRY_ASSIGN(auto session, keeper.session(operation));
        auto answer = exchange_within(*session, operation, method, path, body);
        if (!answer && session_is_gone(answer.error())) {
            TRY_ASSIGN(session, keeper.session(operation, session));
            answer = exchange_within(*session, operation, method, path, body);
        }
        if (!answer) return Fail(std::move(answer).error());
        return decrypt_answer(*answer, *session);
    }

    [[nodiscard]] Result<Answer> exchange_within(const Session& session, const Operation& operation,
                                                 std::string_view method, std::string_view path,
                                                 std::string_view body) const {
        net::HeaderList headers{{"Cookie", fmt::format("{}={}", kbs_protocol::session_cookie, session.cookie)}};
        if (!body.empty()) headers.add("Content-Type", "application/json");
        return transport.exchange(operation, method, path, std::move(headers), SecretBytes::copy_of(body));
    }

    /// Sends a request as publisher or administrator, with a token of its own.
    [[nodiscard]] Result<Answer> administer(const Operation& operation, std::string_view method, std::string_view path,
                                            net::HeaderList headers, SecretBytes body) const {
        TRY_ASSIGN(const std::string token, admin_token());
        headers.add("Authorization", "Bearer " + token);
        return transport.exchange(operation, method, path, std::move(headers), std::move(body));
    }

    [[nodiscard]] Result<std::string> admin_token() const {
        if (!options.admin) return Fail(ErrorCode::admin_refused, "no key to sign with is configured");
        const AdminCredential& admin = *options.admin;
        const std::int64_t now = options.clock().time_since_epoch().count();
        base::json::Object claims{
            {"iat", now}, {"nbf", now}, {"exp", now + admin_token_lifetime.count()}, {"role", admin.role}};
        if (!admin.issuer.empty()) claims.set("iss", admin.issuer);
        if (!admin.audience.empty()) claims.set("aud", admin.audience);
        return crypto::jose::sign_jwt({{"typ", "JWT"}}, std::move(claims), admin.key,
                                      crypto::default_signature_algorithm(admin.key.type()));
    }

    ClientOptions options;
    Transport transport;
    SessionKeeper keeper;
};

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::create(ClientOptions options) {
    while (options.url.ends_with('/')) options.url.pop_back();
    TRY(check_url(options.url));
    if (options.admin) {
        const crypto::KeyType type = options.admin->key.type();
        if (type != crypto::KeyType::ed25519 && type != crypto::KeyType::ec_p256) {
            return Fail(ErrorCode::config_invalid,
                        fmt::format("the publisher's key is of type {}; Ed25519 and P-256 sign tokens",
                                    crypto::key_type_name(type)));
        }
    }
    return std::unique_ptr<Client>(new Client(std::make_unique<State>(std::move(options))));
}

Result<std::shared_ptr<const Session>> Client::attest(std::string_view request_id) {
    TRY_ASSIGN(const Operation operation, state_->begin(request_id));
    return state_->keeper.session(operation);
}

Result<std::vector<Result<SecretBytes>>> Client::unwrap(std::span<const std::string> packets,
                                                        std::string_view request_id) {
    TRY_ASSIGN(const Operation operation, state_->begin(request_id));
    const std::string body = serialize(kbs_protocol::UnwrapRequest{{packets.begin(), packets.end()}});
    TRY_ASSIGN(const SecretBytes plaintext, state_->ask(operation, "POST", "unwrap", body));
    auto response = kbs_protocol::parse_unwrap_response(plaintext.text());
    if (!response) return unusable_answer("unwrap response", response.error());
    if (response->results.size() != packets.size()) {
        return Fail(ErrorCode::kbs_protocol,
                    fmt::format("{} results answer {} packets", response->results.size(), packets.size()));
    }
    return std::move(response->results);
}

Result<SecretBytes> Client::fetch_resource(const ResourceId& key_id, std::string_view request_id) {
    TRY_ASSIGN(const Operation operation, state_->begin(request_id));
    return state_->ask(operation, "GET", "resource/" + key_id.path(), {});
}

Result<std::optional<kbs_protocol::KeyMetadata>> Client::fetch_key(const ResourceId& key_id,
                                                                   std::string_view request_id) {
    TRY_ASSIGN(const Operation operation, state_->begin(request_id));
    const auto answer = state_->administer(operation, "GET", "key/" + key_id.path(), {}, {});
    if (!answer) {
        if (answer.error().code() == ErrorCode::key_not_found) return std::nullopt;
        return Fail(answer.error());
    }
    auto metadata = kbs_protocol::parse_key_metadata(answer->body.text());
    if (!metadata) return unusable_answer("key description", metadata.error());
    if (metadata->key_id != key_id) return Fail(ErrorCode::kbs_protocol, "the answer describes another key");
    return std::move(*metadata);
}

Result<Registration> Client::register_key(const ResourceId& key_id, base::ByteView key, kbs_protocol::KeyUsage usage,
                                          std::string_view policy, CreateOnly create_only,
                                          std::string_view request_id) {
    TRY_ASSIGN(const Operation operation, state_->begin(request_id));
    std::string path = fmt::format("resource/{}?usage={}", key_id.path(), kbs_protocol::key_usage_name(usage));
    if (!policy.empty()) path += "&policy=" + percent_encode(policy);
    net::HeaderList headers{{"Content-Type", "application/octet-stream"}};
    if (create_only == CreateOnly::yes) headers.add("If-None-Match", "*");
    const auto answer = state_->administer(operation, "POST", path, std::move(headers), SecretBytes::copy_of(key));
    if (answer) return Registration::created;
    if (create_only == CreateOnly::yes && answer.error().code() == ErrorCode::key_exists) return Registration::existed;
    return Fail(answer.error());
}

Result<std::vector<std::string>> Client::wrap(const ResourceId& key_id, std::vector<SecretBytes> plaintexts,
                                              std::string_view request_id) {
    TRY_ASSIGN(const Operation operation, state_->begin(request_id));
    const std::size_t count = plaintexts.size();
    const base::WipingString body = serialize(kbs_protocol::WrapRequest{key_id, std::move(plaintexts)});
    TRY_ASSIGN(const Answer answer,
               state_->administer(operation, "POST", "wrap", {{"Content-Type", "application/json"}},
                                  SecretBytes::copy_of(std::string_view(body))));
    auto response = kbs_protocol::parse_wrap_response(answer.body.text());
    if (!response) return unusable_answer("wrap response", response.error());
    if (response->packets.size() != count) {
        return Fail(ErrorCode::kbs_protocol,
                    fmt::format("{} packets answer {} plaintexts", response->packets.size(), count));
    }
    for (const std::string& text : response->packets) {
        // Whoever publishes an image with it must know that it opens under that key later.
        const auto packet = kbs_protocol::parse_packet(text);
        if (!packet) return unusable_answer("annotation packet", packet.error());
        if (packet->key_id != key_id) return Fail(ErrorCode::kbs_protocol, "the packet names another key");
    }
    return std::move(response->packets);
}

}  // namespace kbs_client
