// SPDX-License-Identifier: Apache-2.0
#include "broker_fixture.h"
#include "kbs_protocol/packet.h"

using namespace kbs;

namespace {
std::string request(std::initializer_list<std::string_view> plaintexts, const ResourceId& id = kid()) {
    kbs_protocol::WrapRequest message{.key_id = id, .plaintexts = {}};
    for (const std::string_view plaintext : plaintexts)
        message.plaintexts.push_back(base::SecretBytes::copy_of(plaintext));
    return std::string(std::string_view(kbs_protocol::serialize(message)));
}
}  // namespace

TEST_CASE("a publisher wraps under a key that stays in the broker") {
    TestBroker broker;
    broker.put_key();
    const Answer answer = broker.send("POST", "/kbs/v0/wrap", request({"one", "two"}), broker.as_publisher());
    CHECK(answer.status == 200);
    const auto packets = kbs_protocol::parse_wrap_response(answer.body);
    REQUIRE(packets);
    REQUIRE(packets->packets.size() == 2);
    const auto packet = kbs_protocol::parse_packet(packets->packets[1]);
    REQUIRE(packet);
    CHECK(packet->key_id == kid());
    CHECK(kbs_protocol::open_packet(*packet, broker.kek, kbs_protocol::LegacyCtr::refuse)->text() == "two");
    CHECK(broker.store->list_audit()->back().action == "wrap");
}

TEST_CASE("wrapping is refused") {
    TestBroker broker;
    broker.put_key();
    const auto code = [&](const std::string& body, const net::HeaderList& headers) {
        return broker.send("POST", "/kbs/v0/wrap", body, headers).code();
    };
    CHECK(code(request({"x"}), {}) == "admin-refused");
    CHECK(code(request({"x"}), broker.as_node()) == "admin-refused");
    CHECK(code(request({"x"}, kid("kbs:///demo/kek/none")), broker.as_publisher()) == "key-not-found");
    CHECK(code(R"({"kid":"kbs:///demo/kek/app","plaintexts":[]})", broker.as_publisher()) == "json-invalid");
    CHECK(code(R"({"kid":"../x","plaintexts":["eA=="]})", broker.as_publisher()) == "json-invalid");
    CHECK(code(request({std::string(48'001, 'x')}), broker.as_publisher()) == "input-too-large");
    CHECK(code("", broker.as_publisher()) == "json-invalid");
}

TEST_CASE("a secret that is no KEK wraps nothing") {
    TestBroker broker;
    REQUIRE(broker.store->put_key({kid(), base::as_bytes("password"), KeyUsage::exportable, {}}, Existing::refuse,
                                  broker.entry()));
    CHECK(broker.send("POST", "/kbs/v0/wrap", request({"x"}), broker.as_publisher()).code() == "key-invalid");
}
