// SPDX-License-Identifier: Apache-2.0
#include "keyprovider/provider.h"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/aead.h"
#include "kbs_protocol/kek.h"
#include "kbs_protocol/packet.h"
#include "keyprovider/broker.h"
#include "temporary_folder.h"

using base::as_bytes;
using base::Error;
using base::ErrorCode;
using base::Fail;
using base::Result;
using base::SecretBytes;
using kbs_protocol::KeyMetadata;
using kbs_protocol::KeyUsage;
using kbs_protocol::ResourceId;
using keyprovider::Broker;
using keyprovider::Config;
using keyprovider::Provider;

namespace {

const std::string layer_options =
    R"({"symkey":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","digest":"","cipheroptions":{}})";
const std::string kek_text = "0123456789abcdef0123456789abcdef";

struct StoredKey {
    std::string kek;
    KeyUsage usage;
    std::string policy;
};

// A broker in memory. Tests break one of its duties.
struct Store {
    std::map<std::string, StoredKey> keys;
    bool trustee = false;            ///< knows resources only, and overwrites them
    bool corrupts_keys = false;      ///< stores something else than it was given
    bool loses_keys = false;         ///< says yes and stores nothing
    bool wraps_for_another = false;  ///< answers a wrap with a packet of another key
    std::optional<Error> refuses;    ///< answers registrations with
    std::optional<StoredKey> race;   ///< appears between look-up and registration
    std::vector<std::string> calls;
    std::set<std::string> request_ids;
};

class FakeBroker : public Broker {
  public:
    explicit FakeBroker(Store& store) : store_(store) {}

    Result<std::optional<KeyMetadata>> fetch_key(const ResourceId& id, std::string_view request_id) override {
        note("fetch_key", request_id);
        if (store_.trustee) return Fail(ErrorCode::path_unknown);
        const auto key = store_.keys.find(id.path());
        if (key == store_.keys.end()) return std::optional<KeyMetadata>();
        return std::optional(KeyMetadata{id, key->second.usage, key->second.policy,
                                         kbs_protocol::key_check_value(as_bytes(key->second.kek)), 1, ""});
    }
    Result<Registration> register_key(const ResourceId& id, base::ByteView kek, KeyUsage usage, std::string_view policy,
                                      std::string_view request_id) override {
        note("register_key", request_id);
        if (store_.refuses) return Fail(*store_.refuses);
        if (store_.race) store_.keys.emplace(id.path(), *store_.race);
        if (store_.loses_keys) return Registration::created;
        StoredKey key{base::to_string(kek), usage, std::string(policy)};
        if (store_.corrupts_keys) key.kek.front() ^= 1;
        if (store_.trustee) store_.keys[id.path()] = key;
        return store_.keys.emplace(id.path(), key).second || store_.trustee ? Registration::created
                                                                            : Registration::existed;
    }
    Result<std::string> wrap(const ResourceId& id, base::ByteView plaintext, std::string_view request_id) override {
        note("wrap", request_id);
        const auto target = store_.wraps_for_another ? *ResourceId::parse("/x/y/z") : id;
        const auto packet = kbs_protocol::seal_packet(target, as_bytes(store_.keys.at(id.path()).kek), plaintext);
        return kbs_protocol::serialize_packet(*packet);
    }
    Result<SecretBytes> unwrap(std::string_view text, std::string_view request_id) override {
        note("unwrap", request_id);
        if (store_.trustee) return Fail(ErrorCode::path_unknown);
        const auto packet = kbs_protocol::parse_packet(text);
        const auto key = store_.keys.find(packet->key_id.path());
        if (key == store_.keys.end()) return Fail(ErrorCode::key_not_found);
        return kbs_protocol::open_packet(*packet, as_bytes(key->second.kek), kbs_protocol::LegacyCtr::refuse);
    }
    Result<SecretBytes> fetch_kek(const ResourceId& id, std::string_view request_id) override {
        note("fetch_kek", request_id);
        const auto key = store_.keys.find(id.path());
        if (key == store_.keys.end()) return Fail(ErrorCode::key_not_found);
        return SecretBytes::copy_of(key->second.kek);
    }

  private:
    void note(std::string call, std::string_view request_id) {
        store_.calls.push_back(std::move(call));
        store_.request_ids.emplace(request_id);
    }
    Store& store_;
};

std::string wrap_request(std::string_view parameters) {
    return R"({"op":"keywrap","keywrapparams":{"ec":{"Parameters":{"kp":[")" +
           base::base64_encode(as_bytes(parameters)) + R"("]},"DecryptConfig":{"Parameters":null}},"optsdata":")" +
           base::base64_encode(as_bytes(layer_options)) + R"("},"keyunwrapparams":{"dc":null,"annotation":null}})";
}

std::string unwrap_request(std::string_view packet) {
    return R"({"op":"keyunwrap","keyunwrapparams":{"dc":null,"annotation":")" + base::base64_encode(as_bytes(packet)) +
           "\"}}";
}

// The bytes of the one result in an answer.
std::string bytes_of(std::string_view answer, const char* result, const char* member) {
    const auto value = base::json::parse(answer, {.max_bytes = 1 << 20});
    REQUIRE(value);
    REQUIRE(value->as_object()->size() == 1);
    std::string out;
    for (const auto& byte : **(*value->value_at(result))->array_at(member))
        out.push_back(static_cast<char>(*byte.as_int()));
    return out;
}

struct Fixture {
    Store store;
    Config config;
    TemporaryFolder folder;

    keyprovider::Answer handle(std::string_view request) {
        return Provider(config, std::make_unique<FakeBroker>(store)).handle(as_bytes(request));
    }
    std::string wrap(std::string_view parameters) {
        const auto answer = handle(wrap_request(parameters));
        if (!answer) FAIL(answer.error().text());
        return bytes_of(*answer, "keywrapresults", "annotation");
    }
    std::string unwrap(std::string_view packet) {
        const auto answer = handle(unwrap_request(packet));
        if (!answer) FAIL(answer.error().text());
        return bytes_of(*answer, "keyunwrapresults", "optsdata");
    }
    void check_refused(std::string_view request, ErrorCode code, std::string_view detail = "") {
        CAPTURE(request);
        const auto answer = handle(request);
        REQUIRE_FALSE(answer.has_value());
        CHECK(answer.error().error.name() == base::describe(code).name);
        CHECK_MESSAGE(answer.error().error.detail().contains(detail), answer.error().error.detail());
        CHECK(answer.error().request_id.size() == 16);
    }
    std::string with_key_file(std::string_view parameters = "", std::string_view kek = kek_text) {
        return "keyid=/a/b/c::keypath=" + folder.write("kek", kek).string() + std::string(parameters);
    }
    void put(KeyUsage usage = KeyUsage::unwrap_only, std::string policy = "p") {
        store.keys["a/b/c"] = {kek_text, usage, std::move(policy)};
    }
};

using Calls = std::vector<std::string>;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "the first layer creates the key, the second wraps under it, and both open") {
    config.publish.policy = "default-policy";
    const std::string first = wrap("keyid=kbs:///a/b/c");
    CHECK(store.calls == Calls{"fetch_key", "register_key", "fetch_key"});
    CHECK(store.keys.at("a/b/c").kek.size() == 32);
    CHECK(store.keys.at("a/b/c").usage == KeyUsage::unwrap_only);
    CHECK(store.keys.at("a/b/c").policy == "default-policy");
    store.calls.clear();
    const std::string second = wrap("keyid=kbs:///a/b/c");
    CHECK(store.calls == Calls{"fetch_key", "wrap"});
    CHECK(first != second);
    CHECK(unwrap(first) == layer_options);
    CHECK(unwrap(second) == layer_options);
}

TEST_CASE_FIXTURE(Fixture, "a packet has CoCo's exact shape") {
    const auto packet = base::json::parse(wrap("keyid=host:80/a/b/c"), {.max_bytes = 4096});
    REQUIRE(packet);
    std::vector<std::string> members;
    for (const auto& [name, value] : *packet->as_object()) members.emplace_back(name);
    CHECK(members == std::vector<std::string>{"kid", "wrapped_data", "iv", "wrap_type"});
    CHECK(*packet->string_at("kid") == "kbs:///a/b/c");
    CHECK(*packet->string_at("wrap_type") == "A256GCM");
}

TEST_CASE_FIXTURE(Fixture, "who loses the race to create a key wraps under the winner's") {
    store.race = StoredKey{kek_text, KeyUsage::unwrap_only, ""};
    const std::string packet = wrap("keyid=/a/b/c");
    CHECK(store.calls == Calls{"fetch_key", "register_key", "wrap"});
    CHECK(unwrap(packet) == layer_options);
}

TEST_CASE_FIXTURE(Fixture, "a key file is registered once, shown to be held, and wrapped under here") {
    const std::string first = wrap(with_key_file("::policy=strict::usage=exportable"));
    CHECK(store.calls == Calls{"fetch_key", "register_key", "fetch_key"});
    CHECK(store.keys.at("a/b/c").kek == kek_text);
    CHECK(store.keys.at("a/b/c").policy == "strict");
    CHECK(store.keys.at("a/b/c").usage == KeyUsage::exportable);
    store.calls.clear();
    wrap(with_key_file());
    CHECK(store.calls == Calls{"fetch_key"});
    CHECK(unwrap(first) == layer_options);
}

TEST_CASE_FIXTURE(Fixture, "all calls of one request carry its id, and another request has another") {
    wrap("keyid=/a/b/c");
    CHECK(store.request_ids.size() == 1);
    wrap("keyid=/a/b/c");
    CHECK(store.request_ids.size() == 2);
    store.refuses = Error(ErrorCode::admin_refused, "no");
    const auto answer = handle(wrap_request("keyid=/d/e/f"));
    REQUIRE_FALSE(answer.has_value());
    CHECK(store.request_ids.contains(answer.error().request_id));
}

TEST_CASE_FIXTURE(Fixture, "a refused registration fails the wrap with the broker's reason") {
    store.refuses = Error(ErrorCode::admin_refused, "role reader").with_remedy("ask");
    for (const auto& parameters : {std::string("keyid=/a/b/c"), with_key_file()}) {
        const auto answer = handle(wrap_request(parameters));
        REQUIRE_FALSE(answer.has_value());
        CHECK(answer.error().text().starts_with("admin-refused: role reader; hint: ask (request "));
    }
}

TEST_CASE_FIXTURE(Fixture, "a broker that holds another key than was registered fails the wrap") {
    store.corrupts_keys = true;
    check_refused(wrap_request("keyid=/a/b/c"), ErrorCode::readback_mismatch, "holds another key as kbs:///a/b/c");
    store.keys.clear();
    check_refused(wrap_request(with_key_file()), ErrorCode::readback_mismatch, "holds another key as kbs:///a/b/c");
}

TEST_CASE_FIXTURE(Fixture, "a broker that does not hold what it accepted fails the wrap") {
    store.loses_keys = true;
    check_refused(wrap_request("keyid=/a/b/c"), ErrorCode::readback_mismatch, "not there after its registration");
    check_refused(wrap_request(with_key_file()), ErrorCode::readback_mismatch, "not there after its registration");
}

TEST_CASE_FIXTURE(Fixture, "another key of the same name is never overwritten") {
    put();
    check_refused(wrap_request(with_key_file("", std::string(32, 'z'))), ErrorCode::key_exists, "holds another key");
    CHECK(store.keys.at("a/b/c").kek == kek_text);
    store.keys.clear();
    store.race = StoredKey{std::string(32, 'r'), KeyUsage::unwrap_only, ""};
    check_refused(wrap_request(with_key_file()), ErrorCode::key_exists, "holds another key");
}

TEST_CASE_FIXTURE(Fixture, "usage and policy asked for by name must be those of an existing key") {
    put(KeyUsage::unwrap_only, "p");
    wrap("keyid=/a/b/c::usage=unwrap-only::policy=p");
    check_refused(wrap_request("keyid=/a/b/c::usage=exportable"), ErrorCode::key_exists, "usage unwrap-only");
    check_refused(wrap_request("keyid=/a/b/c::policy=q"), ErrorCode::key_exists, "policy \"p\"");
    check_refused(wrap_request(with_key_file("::policy=q")), ErrorCode::key_exists, "policy \"p\"");
}

TEST_CASE_FIXTURE(Fixture, "a packet that the broker made for another key is refused") {
    put();
    store.wraps_for_another = true;
    check_refused(wrap_request("keyid=/a/b/c"), ErrorCode::kbs_protocol, "not for kbs:///a/b/c");
}

TEST_CASE_FIXTURE(Fixture, "register=false wraps under the key file without any broker") {
    const auto answer = Provider(config, nullptr).handle(as_bytes(wrap_request(with_key_file("::register=false"))));
    REQUIRE(answer.has_value());
    put();
    CHECK(unwrap(bytes_of(*answer, "keywrapresults", "annotation")) == layer_options);
}

TEST_CASE_FIXTURE(Fixture, "everything else needs a broker and says which setting names it") {
    for (
        const std::string& request :
        {wrap_request("keyid=/a/b/c"), wrap_request(with_key_file()),
         unwrap_request(
             R"({"kid":"kbs:///a/b/c","wrapped_data":"AAAAAAAAAAAAAAAAAAAAAAAA","iv":"AAAAAAAAAAAAAAAA","wrap_type":"A256GCM"})")}) {
        const auto answer = Provider(config, nullptr).handle(as_bytes(request));
        REQUIRE_FALSE(answer.has_value());
        CHECK(answer.error().error.code() == ErrorCode::kbs_not_configured);
    }
}

TEST_CASE_FIXTURE(Fixture, "a Trustee takes keys only with a key file and where its status is enough") {
    store.trustee = true;
    check_refused(wrap_request("keyid=/a/b/c"), ErrorCode::registration_refused, "cannot wrap under a key it keeps");
    check_refused(wrap_request(with_key_file()), ErrorCode::registration_refused, "cannot show which key it holds");
    CHECK(store.keys.empty());
    config.publish.readback = keyprovider::Readback::status_only;
    const std::string packet = wrap(with_key_file());
    CHECK(store.keys.at("a/b/c").kek == kek_text);
    store.calls.clear();
    CHECK(unwrap(packet) == layer_options);
    CHECK(store.calls == Calls{"unwrap", "fetch_kek"});
}

TEST_CASE_FIXTURE(Fixture, "refuses key files that are missing, of another size or no file") {
    check_refused(wrap_request("keyid=/a/b/c::keypath=/nonexistent/kek"), ErrorCode::key_file_unreadable,
                  "/nonexistent/kek");
    check_refused(wrap_request("keyid=/a/b/c::keypath=/tmp"), ErrorCode::key_file_unreadable, "/tmp");
    check_refused(wrap_request(with_key_file("", kek_text.substr(1))), ErrorCode::key_file_invalid,
                  "holds 31 bytes instead of 32");
    check_refused(wrap_request(with_key_file("", kek_text + "\n")), ErrorCode::key_file_invalid,
                  "holds 33 bytes instead of 32 (the last is a line end)");
    check_refused(wrap_request(with_key_file("", "")), ErrorCode::key_file_invalid, "holds 0 bytes");
    check_refused(wrap_request(with_key_file("", std::string(5000, 'x'))), ErrorCode::key_file_invalid);
    CHECK(store.calls.empty());
}

TEST_CASE_FIXTURE(Fixture, "refuses malformed parameters before it talks to anyone") {
    check_refused(wrap_request("Enabled"), ErrorCode::parameter_invalid, "keyid is missing");
    check_refused(wrap_request("keyid=/a/b"), ErrorCode::parameter_invalid, "keyid: ");
    check_refused(wrap_request("keyId=/a/b/c"), ErrorCode::parameter_unknown, "did you mean keyid?");
    CHECK(store.calls.empty());
}

TEST_CASE_FIXTURE(Fixture, "several recipients of one provider are refused, for there is one packet") {
    const std::string one = base::base64_encode(as_bytes("keyid=/a/b/c"));
    check_refused(R"({"op":"keywrap","keywrapparams":{"ec":{"Parameters":{"kp":[")" + one + R"(",")" + one +
                      R"("]}},"optsdata":[123,125]}})",
                  ErrorCode::parameter_invalid, "2 recipients");
}

TEST_CASE_FIXTURE(Fixture, "among several providers the configured name decides") {
    const std::string text = R"({"op":"keywrap","keywrapparams":{"ec":{"Parameters":{"kp":[")" +
                             base::base64_encode(as_bytes("keyid=/a/b/c")) +
                             R"("],"other":["eA=="]}},"optsdata":[123,125]}})";
    check_refused(text, ErrorCode::parameter_invalid, "name several key providers: kp, other");
    config.command.provider = "kp";
    CHECK(handle(text).has_value());
    config.command.provider = "ours";
    check_refused(text, ErrorCode::parameter_invalid, "no recipient is for this key provider, only for kp, other");
    check_refused(R"({"op":"keywrap","keywrapparams":{"optsdata":[123,125]}})", ErrorCode::parameter_invalid,
                  "no recipient");
}

TEST_CASE_FIXTURE(Fixture, "opens CoCo's own packet under its published key") {
    // vectors/coco/sample_kbc_annotation.json and coco-guest.md §0.15, §7.4 A; here written compactly.
    store.keys["default/key/1"] = {
        base::to_string(*base::hex_decode("d99b7705b0ba7a168295b3a3367270b0dd9b371bf514ca8b9ba7f0a33711daea")),
        KeyUsage::unwrap_only, "p"};
    const std::string options = unwrap(
        R"({"kid":"kbs:///default/key/1","wrapped_data":"KxAFgXwa0y72Xdygub9lF00RVMtSRbYzvakIEASgi3Gvt1wGLkhKPXf0S033Jdi6)"
        R"(vAN6zBM7d0xZSDo2JCeew0FeKwTYgdJfdcPhuEpZOpjhwIsidyeiunzp0J/crvI1tSPZJw4DPHZN2eQtg71rDzIbuDM5ATheiDM9/YJv+k+n6Nv6)"
        R"(/pRb8qynNzbWFz7Q8wEo1ZZlL6UftOBJ6j9GuEOTM2k/B+5sMA2VhGHSzDsKA1mn0qzcn2HJg4GcmxwDpJwzm5n7B4iIJ3A0umrQAjQ=",)"
        R"("iv":"3PQMqtjbR4hxCr83","wrap_type":"A256GCM"})");
    CHECK(options.size() == 193);
    CHECK(options.starts_with(R"({"symkey":"1jL2jJV0Oyz2nmPkLtqulW6cKcpIUN5FpILcVnP5Uqs=")"));
}

TEST_CASE_FIXTURE(Fixture, "any change of a packet is one and the same refusal to decrypt") {
    put();
    const std::string packet = wrap("keyid=/a/b/c");
    const auto replaced = [&](const std::string& member) {
        std::string text = packet;
        char& c = text[text.find("\"" + member + "\":\"") + member.size() + 8];
        c = c == 'A' ? 'B' : 'A';
        return unwrap_request(text);
    };
    check_refused(replaced("wrapped_data"), ErrorCode::decryption_failed);
    check_refused(replaced("iv"), ErrorCode::decryption_failed);
    store.keys["a/b/c"].kek.front() ^= 1;
    check_refused(unwrap_request(packet), ErrorCode::decryption_failed);
}

TEST_CASE_FIXTURE(Fixture, "refuses what is no packet or another provider's before it talks to anyone") {
    check_refused(unwrap_request("packet"), ErrorCode::packet_invalid);
    check_refused(unwrap_request("{}"), ErrorCode::packet_invalid);
    check_refused(unwrap_request(R"({"key_url":"https://x","wrapped_key":"AAAA","wrap_type":"AES"})"),
                  ErrorCode::packet_foreign);
    CHECK(store.calls.empty());
}

TEST_CASE_FIXTURE(Fixture, "an unauthenticated packet opens only with permission, under the key itself") {
    // coco-guest.md §7.4 C.
    const std::string packet =
        R"({"kid":"kbs:///a/b/c","wrapped_data":"OnjAq2gZkaXAi87FLlWVMC4=","iv":"AAECAwQFBgcICQoLDA0ODw==","wrap_type":"A256CTR"})";
    store.keys["a/b/c"] = {
        base::to_string(*base::hex_decode("d99b7705b0ba7a168295b3a3367270b0dd9b371bf514ca8b9ba7f0a33711daea")),
        KeyUsage::exportable, "p"};
    check_refused(unwrap_request(packet), ErrorCode::packet_unauthenticated);
    CHECK(store.calls.empty());
    config.command.allow_legacy_unauthenticated = true;
    CHECK(unwrap(packet) == R"({"symkey":"AA=="})");
    CHECK(store.calls == Calls{"fetch_kek"});
    store.keys["a/b/c"].kek.front() ^= 1;  // opens to noise, which is never handed out
    check_refused(unwrap_request(packet), ErrorCode::decryption_failed);
}

TEST_CASE_FIXTURE(Fixture, "refuses requests that are no request") {
    for (const std::string& request : {std::string(), std::string("{"), std::string("{}"), std::string(10'000, '['),
                                       std::string("{}\0", 3), std::string("{\"op\":\"\xff\"}")}) {
        const auto answer = handle(request);
        REQUIRE_FALSE(answer.has_value());
        CHECK(base::describe(answer.error().error.code()).stage == base::Stage::input);
    }
    CHECK(store.calls.empty());
}

TEST_CASE_FIXTURE(Fixture, "no refusal quotes the layer options") {
    store.refuses = Error(ErrorCode::kbs_refused, "x");
    for (const char* parameters : {"keyid=/a/b/c", "Enabled", "keyid=/a/b/c::keypath=/nonexistent"}) {
        const auto answer = handle(wrap_request(parameters));
        REQUIRE_FALSE(answer.has_value());
        CHECK_FALSE(answer.error().text().contains("symkey"));
        CHECK_FALSE(answer.error().text().contains("AAECAwQF"));
    }
}
