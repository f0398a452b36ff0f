// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "kbs_protocol/resource_id.h"
#include "kbs_protocol/unwrap.h"

namespace keyprovider {

/// What the provider needs of a key broker. Thread-safe. Every call carries the id of the request that it serves, by
/// which the broker's log knows it. A broker that lacks one of our own operations, as every Trustee does, answers it
/// with path_unknown.
class Broker {
  public:
    enum class Registration : std::uint8_t { created, existed };

    Broker() = default;
    Broker(const Broker&) = delete;
    Broker& operator=(const Broker&) = delete;
    virtual ~Broker() = default;

    // The publisher's side: authorised by the key of [publish].

    /// nullopt: the broker has no such key.
    virtual base::Result<std::optional<kbs_protocol::KeyMetadata>> fetch_key(const kbs_protocol::ResourceId& key_id,
                                                                             std::string_view request_id) = 0;
    /// Never replaces a key, except in a Trustee, which knows no other way.
    virtual base::Result<Registration> register_key(const kbs_protocol::ResourceId& key_id, base::ByteView kek,
                                                    kbs_protocol::KeyUsage usage, std::string_view policy,
                                                    std::string_view request_id) = 0;
    /// The packet of `plaintext` under a key that stays in the broker.
    virtual base::Result<std::string> wrap(const kbs_protocol::ResourceId& key_id, base::ByteView plaintext,
                                           std::string_view request_id) = 0;

    // The node's side: attests where no session lives.

    virtual base::Result<base::SecretBytes> unwrap(std::string_view packet, std::string_view request_id) = 0;
    /// The key itself, which the broker gives only where its owner made it exportable.
    virtual base::Result<base::SecretBytes> fetch_kek(const kbs_protocol::ResourceId& key_id,
                                                      std::string_view request_id) = 0;
};

}  // namespace keyprovider
