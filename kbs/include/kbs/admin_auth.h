// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/key.h"
#include "kbs/config.h"

namespace kbs {

/// Who speaks, and in which of the roles that are open to him.
struct Administrator {
    std::string name;
    Role role;
};

/// Accepts bearer JWTs (EdDSA or ES256) that a listed key has signed (kbs-protocol §7.4, contract of ours on times).
class AdminAuthenticator {
  public:
    struct Key {
        std::string name;
        crypto::PublicKey key;  ///< Ed25519 or P-256
        std::vector<Role> roles;
        std::chrono::seconds max_token_lifetime;
    };
    explicit AdminAuthenticator(std::vector<Key> keys) : keys_(std::move(keys)) {}

    /// `token` is the compact JWT. The key is found by its signature; `exp` must be there, not past and not further
    /// ahead than the key's limit; `role` must be among the key's roles. Leeway 60 s. Errors: admin_refused.
    [[nodiscard]] base::Result<Administrator> authenticate(std::string_view token, base::TimePoint now) const;

  private:
    std::vector<Key> keys_;
};

/// Reads the public keys that the configuration names.
/// Errors: key_file_unreadable, key_file_invalid.
base::Result<AdminAuthenticator> load_admin_authenticator(const std::vector<Config::Admin>& admins);

}  // namespace kbs
