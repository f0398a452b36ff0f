// SPDX-License-Identifier: Apache-2.0
#include "broker_fixture.h"
#include "kbs_protocol/packet.h"

using namespace kbs;

namespace {

const std::string layer_key = R"({"symkey":"secret of a layer"})";

std::string packet(const TestBroker& broker, std::string_view plaintext = layer_key, const ResourceId& id = kid()) {
    return kbs_protocol::serialize_packet(*kbs_protocol::seal_packet(id, broker.kek, base::as_bytes(plaintext)));
}

Answer send(TestBroker& broker, std::vector<std::string> packets, const net::HeaderList& headers) {
    return broker.send("POST", "/kbs/v0/unwrap",
                       kbs_protocol::serialize(kbs_protocol::UnwrapRequest{std::move(packets)}), headers);
}

kbs_protocol::UnwrapResponse unwrap(TestBroker& broker, std::vector<std::string> packets) {
    const Answer answer = send(broker, std::move(packets), broker.as_node());
    REQUIRE(answer.status == 200);
    auto response = kbs_protocol::parse_unwrap_response(broker.decrypt(answer));
    REQUIRE(response);
    return std::move(*response);
}

std::string_view code_of(const base::Result<base::SecretBytes>& result) {
    return result ? "released" : result.error().name();
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("an attested node gets the layer keys of an image, and never the key") {
    TestBroker broker;
    for (const auto usage : {KeyUsage::unwrap_only, KeyUsage::exportable}) {
        broker.put_key(usage);
        const auto response = unwrap(broker, {packet(broker, "one"), packet(broker, "two")});
        REQUIRE(response.results.size() == 2);
        CHECK(response.results[0]->text() == "one");
        CHECK(response.results[1]->text() == "two");
    }
    CHECK(broker.store->list_audit()->back().action == "unwrap");
}

TEST_CASE("what each key of a request may do is decided and accounted for once") {
    TestBroker broker;
    broker.put_key();
    const auto before = broker.store->list_audit()->size();
    unwrap(broker, std::vector<std::string>(50, packet(broker)));
    CHECK(broker.store->list_audit()->size() == before + 2);  // the enrolment in the fixture, one unwrap
}

TEST_CASE("packets fail each for itself") {
    TestBroker broker;
    broker.put_key();
    broker.put_policy(
        "never",
        R"({"version":"1.0.0","anyOf":[{"authority":"ocicrypt-kbs","allOf":[{"claim":"tee","equals":"snp"}]}]})");
    const ResourceId denied = kid("kbs:///demo/kek/denied");
    const ResourceId bare = kid("kbs:///demo/kek/bare");
    REQUIRE(broker.store->put_key({denied, broker.kek, {}, "never"}, Existing::refuse, broker.entry()));
    REQUIRE(broker.store->put_key({bare, broker.kek, {}, {}}, Existing::refuse, broker.entry()));
    const auto response =
        unwrap(broker, {packet(broker), packet(broker, "x", denied), packet(broker, "x", bare),
                        packet(broker, "x", kid("kbs:///demo/kek/none")), "not a packet", packet(broker)});
    REQUIRE(response.results.size() == 6);
    CHECK(code_of(response.results[0]) == "released");
    CHECK(code_of(response.results[1]) == "policy-denied");
    CHECK(code_of(response.results[2]) == "policy-missing");
    CHECK(code_of(response.results[3]) == "key-not-found");
    CHECK(code_of(response.results[4]) == "packet-invalid");
    CHECK(code_of(response.results[5]) == "released");
}

TEST_CASE("whatever is wrong with a ciphertext, the answer is the same") {
    TestBroker broker;
    broker.put_key();
    const auto good = *kbs_protocol::seal_packet(kid(), broker.kek, base::as_bytes(layer_key));
    std::vector<std::string> broken;
    auto flipped = good;
    flipped.wrapped_data[0] ^= 1;
    broken.push_back(kbs_protocol::serialize_packet(flipped));
    auto tag = good;
    tag.wrapped_data.back() ^= 1;
    broken.push_back(kbs_protocol::serialize_packet(tag));
    auto iv = good;
    iv.iv[0] ^= 1;
    broken.push_back(kbs_protocol::serialize_packet(iv));
    auto cut = good;
    cut.wrapped_data.resize(cut.wrapped_data.size() - 1);
    broken.push_back(kbs_protocol::serialize_packet(cut));
    broken.push_back(kbs_protocol::serialize_packet(
        *kbs_protocol::seal_packet(kid(), base::Bytes(32, 1), base::as_bytes(layer_key))));
    const auto response = unwrap(broker, broken);
    for (const auto& result : response.results) {
        CHECK(code_of(result) == "decryption-failed");
        CHECK(result.error().detail() == response.results[0].error().detail());
    }
}

TEST_CASE("a packet of A256CTR is refused: it would make an oracle of the broker") {
    TestBroker broker;
    broker.put_key();
    const std::string text = replaced(replaced(packet(broker), "A256GCM", "A256CTR"), R"("iv":")", R"("iv":"AAAA)");
    const auto response = unwrap(broker, {replaced(packet(broker), "A256GCM", "A256CTR"), text});
    for (const auto& result : response.results) CHECK_FALSE(result);
    auto ctr = *kbs_protocol::seal_packet(kid(), broker.kek, base::as_bytes(layer_key));
    ctr.iv.resize(16);
    ctr.wrap_type = kbs_protocol::WrapType::a256ctr;
    CHECK(code_of(unwrap(broker, {kbs_protocol::serialize_packet(ctr)}).results[0]) == "packet-unauthenticated");
}

TEST_CASE("a key that was renamed in the packet does not open it") {
    TestBroker broker;
    broker.put_key();
    const ResourceId other = kid("kbs:///demo/kek/other");
    REQUIRE(broker.store->put_key({other, base::Bytes(32, 5), {}, "any-tpm"}, Existing::refuse, broker.entry()));
    const auto response = unwrap(broker, {replaced(packet(broker), "kek/app", "kek/other")});
    CHECK(code_of(response.results[0]) == "decryption-failed");
}

TEST_CASE("a request as a whole is refused") {
    TestBroker broker;
    broker.put_key();
    const auto node = broker.as_node();
    CHECK(send(broker, {packet(broker)}, {}).code() == "session-missing");
    CHECK(send(broker, {packet(broker)}, broker.as_admin()).code() == "token-invalid");
    CHECK(send(broker, std::vector<std::string>(257, packet(broker)), node).status >= 400);
    CHECK(broker.send("POST", "/kbs/v0/unwrap", R"({"packets":[]})", node).code() == "json-invalid");
    CHECK(broker.send("POST", "/kbs/v0/unwrap", R"({"packets":["=="]})", node).code() == "encoding-invalid");
    CHECK(broker.send("POST", "/kbs/v0/unwrap", "", node).code() == "json-invalid");
    CHECK(send(broker, {std::string(64 * 1024 + 1, 'x')}, node).status >= 400);
    broker.now += std::chrono::seconds(300);
    CHECK(send(broker, {packet(broker)}, node).code() == "session-expired");
}
