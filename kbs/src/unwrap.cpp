// SPDX-License-Identifier: Apache-2.0
#include "kbs_protocol/unwrap.h"

#include <map>
#include <vector>

#include "answer.h"
#include "authorize.h"
#include "crypto/jose/jwe.h"
#include "endpoints.h"
#include "kbs_protocol/packet.h"

namespace kbs {

using base::Fail;
using base::Result;

namespace {

/// The keys that the packets of one request name: each is looked up, judged and accounted for once.
class ReleasedKeys {
  public:
    ReleasedKeys(const AttestedNode& node, const Request& request, const Services& services)
        : node_(node), request_(request), services_(services) {}

    const Result<StoredKey>& find(const ResourceId& id) {
        const auto known = keys_.find(id);
        if (known != keys_.end()) return known->second;
        const Result<StoredKey>& key = keys_.emplace(id, release(id)).first->second;
        const std::string_view error = key ? std::string_view() : key.error().name();
        services_.metrics.release("unwrap", error);
        audit_.push_back(audit_entry(request_, node_.name(), "unwrap", id.uri(), key ? "released" : error));
        return key;
    }

    [[nodiscard]] const std::vector<AuditEntry>& audit() const { return audit_; }

  private:
    Result<StoredKey> release(const ResourceId& id) {
        TRY_ASSIGN(StoredKey key, services_.store.load_key(id));
        TRY(require_release(key.info, node_, request_, services_));
        return key;
    }

    const AttestedNode& node_;
    const Request& request_;
    const Services& services_;
    std::map<ResourceId, Result<StoredKey>> keys_;
    std::vector<AuditEntry> audit_;
};

Result<base::SecretBytes> unwrap(std::string_view text, ReleasedKeys& keys) {
    TRY_ASSIGN(const kbs_protocol::AnnotationPacket packet, kbs_protocol::parse_packet(text));
    const Result<StoredKey>& key = keys.find(packet.key_id);
    if (!key) return Fail(key.error());
    // Never A256CTR: whoever may choose the counter of an unauthenticated cipher reads every packet of the key.
    return kbs_protocol::open_packet(packet, key->material.view(), kbs_protocol::LegacyCtr::refuse);
}

}  // namespace

Result<net::ServerResponse> answer_unwrap(const Request& request, const Services& services) {
    TRY_ASSIGN(const AttestedNode node, require_attested_node(request, services));
    TRY_ASSIGN(const base::json::Value* tee_key, node.tee_key());
    TRY_ASSIGN(const crypto::PublicKey recipient, crypto::jose::recipient_from_jwk(*tee_key));
    TRY_ASSIGN(const kbs_protocol::UnwrapRequest message, kbs_protocol::parse_unwrap_request(request.http.body.text()));

    ReleasedKeys keys(node, request, services);
    kbs_protocol::UnwrapResponse answer;
    for (const std::string& packet : message.packets) answer.results.push_back(unwrap(packet, keys));
    // Written before anything leaves: a release that nobody can account for does not happen.
    TRY(services.store.record(keys.audit()));
    const base::WipingString text = kbs_protocol::serialize(answer);
    TRY_ASSIGN(const crypto::jose::Jwe jwe, crypto::jose::encrypt(recipient, base::as_bytes(text)));
    return json_answer(base::json::serialize(crypto::jose::serialize_jwe(jwe)));
}

}  // namespace kbs
