// SPDX-License-Identifier: Apache-2.0
#include "kbs/admin_auth.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/fd.h"
#include "crypto/jose/jws.h"
#include "crypto/jose/jwt.h"

namespace kbs {

using base::ErrorCode;
using base::Fail;
using base::Result;

namespace {

constexpr std::chrono::seconds leeway{60};
constexpr std::size_t max_pem_bytes = 16 * 1024;

Fail refused(std::string detail) {
    return Fail(ErrorCode::admin_refused, std::move(detail));
}

bool signed_by(std::string_view token, const crypto::PublicKey& key) {
    return crypto::jose::verify_compact(token, key, crypto::default_signature_algorithm(key.type())).has_value();
}

}  // namespace

Result<Administrator> AdminAuthenticator::authenticate(std::string_view token, base::TimePoint now) const {
    const auto key = std::ranges::find_if(keys_, [&](const Key& candidate) { return signed_by(token, candidate.key); });
    if (key == keys_.end()) return refused("the token is signed by no key that is listed under [[admin]]");
    // The signature holds: from here on the answer may say what is wrong.
    const auto verified =
        crypto::jose::verify_jwt(token, key->key, crypto::default_signature_algorithm(key->key.type()), now, leeway);
    if (!verified) return refused(verified.error().detail());
    const auto expires = verified->claims.int_at("exp");
    if (!expires) return refused("exp is not a whole number");
    if (*expires > (now + key->max_token_lifetime + leeway).time_since_epoch().count())
        return refused(fmt::format("the token lives longer than the {} seconds allowed to {}",
                                   key->max_token_lifetime.count(), key->name));
    const auto role = verified->claims.string_at("role");
    if (!role) return refused("the token has no role");
    const auto allowed = std::ranges::find(key->roles, *role, role_name);
    if (allowed == key->roles.end())
        return refused(fmt::format("the role \"{}\" is not open to {}", base::printable_line(*role, 40), key->name));
    return Administrator{key->name, *allowed};
}

Result<AdminAuthenticator> load_admin_authenticator(const std::vector<Config::Admin>& admins) {
    std::vector<AdminAuthenticator::Key> keys;
    for (const Config::Admin& admin : admins) {
        const auto pem = base::load_text_file(admin.public_key, max_pem_bytes);
        if (!pem) return Fail(pem.error().as(ErrorCode::key_file_unreadable));
        const auto key = crypto::PublicKey::from_pem(*pem);
        if (!key || (key->type() != crypto::KeyType::ed25519 && key->type() != crypto::KeyType::ec_p256))
            return Fail(
                base::Error(ErrorCode::key_file_invalid,
                            fmt::format("{} is no PEM public key of type Ed25519 or P-256", admin.public_key.string()))
                    .with_remedy("make one: openssl genpkey -algorithm ed25519 | openssl pkey -pubout"));
        keys.push_back({admin.name, *key, admin.roles, admin.max_token_lifetime});
    }
    return AdminAuthenticator(std::move(keys));
}

}  // namespace kbs
