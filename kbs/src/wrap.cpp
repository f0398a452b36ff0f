// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "answer.h"
#include "authorize.h"
#include "endpoints.h"
#include "kbs_protocol/packet.h"
#include "kbs_protocol/unwrap.h"

namespace kbs {

base::Result<net::ServerResponse> answer_wrap(const Request& request, const Services& services) {
    TRY_ASSIGN(const Administrator administrator, require_administrator(request, services));
    TRY_ASSIGN(const kbs_protocol::WrapRequest message, kbs_protocol::parse_wrap_request(request.http.body.text()));
    TRY_ASSIGN(const StoredKey key, services.store.load_key(message.key_id));
    kbs_protocol::WrapResponse answer;
    for (const base::SecretBytes& plaintext : message.plaintexts) {
        TRY_ASSIGN(const auto packet, kbs_protocol::seal_packet(message.key_id, key.material.view(), plaintext.view()));
        answer.packets.push_back(kbs_protocol::serialize_packet(packet));
    }
    TRY(services.store.record(
        std::array{audit_entry(request, administrator.name, "wrap", message.key_id.uri(), "done")}));
    return json_answer(kbs_protocol::serialize(answer));
}

}  // namespace kbs
