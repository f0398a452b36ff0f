// SPDX-License-Identifier: Apache-2.0
#include "kbs_protocol/packet.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "base/encoding.h"
#include "base/fd.h"
#include "base/json.h"

using base::as_bytes;
using base::ErrorCode;
using base::json::Value;
using namespace kbs_protocol;

namespace {

/// [coco-guest §0.15] the key that every CoCo sample uses
base::Bytes sample_kek() {
    return *base::hex_decode("d99b7705b0ba7a168295b3a3367270b0dd9b371bf514ca8b9ba7f0a33711daea");
}

constexpr std::string_view sample_plaintext =
    R"({"symkey":"1jL2jJV0Oyz2nmPkLtqulW6cKcpIUN5FpILcVnP5Uqs=","digest":"sha256:18be1897f9402f27c8c0eba7c86e0c00f5656db62961b5949d55f9565c42c6e7","cipheroptions":{"nonce":"r10F9oaCu+nWFXfod3l83g=="}})";

/// [coco-guest §7.4 B]
constexpr std::string_view sample_true =
    R"({"kid":"kbs:///default/test-key/1","wrapped_data":"/3LyhluQ5hn61UdwVQLWc6ywRnJDwMxA6v54OX+fO8z4i5qFpjwDaYGj5pUzmYc+W5qNjhUDmQEY35buwGNUxdH5wrykBkLv91dHpDdTZppcP3Wy1gVT0IA3e9MIH3WvNBYX9RjsicDSUhsQucvGwrzz17nKAJL+RdC2gS5wbAUeaAsGtH1LE76yda9l2MzjzIkn4m7zVeIzpTUTrnKH23TfZeVeFkHb1/JroDFHmKfIMobkzmXDGUfRG3NTv9/zlnrM3AG546M/O6+bFvUFQbk=","iv":"AAAAAAAAAAAAAAAA","wrap_type":"A256GCM"})";

constexpr std::string_view ctr_packet =
    R"({"kid":"kbs:///default/test-key/1","wrapped_data":"OnjAq2gZkaXAi87FLlWVMC4=","iv":"AAECAwQFBgcICQoLDA0ODw==","wrap_type":"A256CTR"})";

Value valid() {
    return *base::json::parse(sample_true, {.max_bytes = max_packet_bytes});
}

base::Result<AnnotationPacket> parse(const Value& packet) {
    return parse_packet(base::json::serialize_public(packet));
}

base::Result<AnnotationPacket> parse_with(std::string_view member, Value value) {
    Value packet = valid();
    packet.as_object()->set(member, std::move(value));
    return parse(packet);
}

}  // namespace

TEST_CASE("opens the sample packet of guest-components") {
    // [coco-guest §7.4 A]
    const char* folder = std::getenv("SHARED_VECTORS");
    const auto text =
        folder == nullptr
            ? base::Result<std::string>(base::Fail(ErrorCode::file_unreadable, "SHARED_VECTORS is not set"))
            : base::load_text_file(std::string(folder) + "/coco/sample_kbc_annotation.json", 1 << 16);
    if (!text) {
        MESSAGE("SKIPPED: sample packet of guest-components: " << text.error().message());
        return;
    }
    const auto packet = parse_packet(*text);
    REQUIRE(packet);
    CHECK(packet->key_id.uri() == "kbs:///default/key/1");
    CHECK(packet->wrapped_data.size() == 209);
    CHECK(base::base64_encode(packet->iv) == "3PQMqtjbR4hxCr83");
    const auto plaintext = open_packet(*packet, sample_kek(), LegacyCtr::refuse);
    REQUIRE(plaintext);
    CHECK(plaintext->text() == sample_plaintext);
}

TEST_CASE("opens what coco_keyprovider returns for sample=true and writes the same bytes") {
    const auto packet = parse_packet(sample_true);
    REQUIRE(packet);
    CHECK(packet->wrap_type == WrapType::a256gcm);
    const auto plaintext = open_packet(*packet, sample_kek(), LegacyCtr::refuse);
    REQUIRE(plaintext);
    CHECK(plaintext->text() == sample_plaintext);
    CHECK(serialize_packet(*packet) == sample_true);
}

TEST_CASE("opens an A256CTR packet only where the caller allows it") {
    // [coco-guest §7.4 C]
    const auto packet = parse_packet(ctr_packet);
    REQUIRE(packet);
    CHECK(packet->wrap_type == WrapType::a256ctr);
    CHECK(open_packet(*packet, sample_kek(), LegacyCtr::refuse).error().code() == ErrorCode::packet_unauthenticated);
    const auto plaintext = open_packet(*packet, sample_kek(), LegacyCtr::insecure_allow);
    REQUIRE(plaintext);
    CHECK(plaintext->text() == R"({"symkey":"AA=="})");
    CHECK(serialize_packet(*packet) == ctr_packet);
}

TEST_CASE("a sealed packet is V1 to the byte, opens again, and never repeats a nonce") {
    const auto id = ResourceId::parse("/team/image-kek/app");
    REQUIRE(id);
    const auto packet = seal_packet(*id, sample_kek(), as_bytes(sample_plaintext));
    REQUIRE(packet);
    CHECK(packet->wrap_type == WrapType::a256gcm);
    CHECK(packet->iv.size() == 12);
    const std::string text = serialize_packet(*packet);
    CHECK(text == R"({"kid":"kbs:///team/image-kek/app","wrapped_data":")" + base::base64_encode(packet->wrapped_data) +
                      R"(","iv":")" + base::base64_encode(packet->iv) + R"(","wrap_type":"A256GCM"})");
    CHECK(open_packet(*parse_packet(text), sample_kek(), LegacyCtr::refuse)->text() == sample_plaintext);
    CHECK(seal_packet(*id, sample_kek(), as_bytes(sample_plaintext))->iv != packet->iv);
}

TEST_CASE("the longest plaintext fits a packet with the longest key id and one byte more is refused") {
    const std::string segment(128, 'a');
    const auto id = ResourceId::from_path(segment + '/' + segment + '/' + segment);
    REQUIRE(id);
    const base::Bytes most(max_packet_plaintext_bytes, 7);
    const std::string text = serialize_packet(*seal_packet(*id, sample_kek(), most));
    CHECK(text.size() <= max_packet_bytes);
    CHECK(open_packet(*parse_packet(text), sample_kek(), LegacyCtr::refuse)->size() == most.size());
    const base::Bytes more(max_packet_plaintext_bytes + 1, 7);
    CHECK(seal_packet(*id, sample_kek(), more).error().code() == ErrorCode::input_too_large);
}

TEST_CASE("a KEK that has not 32 bytes neither seals nor opens") {
    const auto packet = parse_packet(sample_true);
    for (const std::size_t size : {0U, 16U, 31U, 33U}) {
        const base::Bytes kek(size, 1);
        CHECK(seal_packet(packet->key_id, kek, as_bytes("x")).error().code() == ErrorCode::key_invalid);
        CHECK(open_packet(*packet, kek, LegacyCtr::refuse).error().code() == ErrorCode::key_invalid);
    }
}

TEST_CASE("one flipped bit anywhere in ciphertext, tag, nonce or KEK is the one decryption error") {
    const auto good = parse_packet(sample_true);
    REQUIRE(good);
    const auto code = [](const AnnotationPacket& packet, base::ByteView kek) {
        const auto plaintext = open_packet(packet, kek, LegacyCtr::insecure_allow);
        return plaintext ? ErrorCode::internal : plaintext.error().code();
    };
    for (std::size_t i = 0; i < good->wrapped_data.size(); i += 13) {
        AnnotationPacket packet = *good;
        packet.wrapped_data[i] ^= 1;
        CHECK(code(packet, sample_kek()) == ErrorCode::decryption_failed);
    }
    for (std::size_t i = 0; i < good->iv.size(); ++i) {
        AnnotationPacket packet = *good;
        packet.iv[i] ^= 0x80;
        CHECK(code(packet, sample_kek()) == ErrorCode::decryption_failed);
    }
    AnnotationPacket cut = *good;
    cut.wrapped_data.pop_back();
    CHECK(code(cut, sample_kek()) == ErrorCode::decryption_failed);
    base::Bytes kek = sample_kek();
    kek[31] ^= 1;
    CHECK(code(*good, kek) == ErrorCode::decryption_failed);
}

TEST_CASE("a packet cut anywhere is malformed") {
    for (std::size_t size = 0; size < sample_true.size(); ++size) {
        CAPTURE(size);
        CHECK(parse_packet(sample_true.substr(0, size)).error().code() == ErrorCode::packet_invalid);
    }
}

TEST_CASE("white space, another order of members, escapes and unknown members do not change a packet") {
    const auto expected = parse_packet(sample_true);
    std::string escaped(sample_true);
    escaped.replace(escaped.find("kbs:///default"), 14, R"(kbs:\/\/\/default)");
    CHECK(serialize_packet(*parse_packet(escaped)) == sample_true);
    CHECK(serialize_packet(*parse_packet(base::json::serialize_pretty(valid()))) == sample_true);
    CHECK(parse_with("future", base::json::Array{}));
    base::json::Object reordered;
    for (const std::string_view name : {"wrap_type", "iv", "wrapped_data", "kid"})
        reordered.set(name, *valid().find(name));
    CHECK(serialize_packet(*parse(reordered)) == sample_true);
}

TEST_CASE("a V2 packet of the kbs provider is read") {
    Value packet = valid();
    auto& members = *packet.as_object();
    members.set("version", "0.1.0");
    members.set("provider", "kbs");
    members.set("provider_settings", base::json::Object{});
    members.set("annotations", base::json::Object{{"a", "b"}});
    const auto read = parse(packet);
    REQUIRE(read);
    CHECK(serialize_packet(*read) == sample_true);
}

TEST_CASE("refuses a packet with one broken member and names it") {
    const Value null;
    const std::vector<std::pair<std::string_view, Value>> broken{
        {"kid", null},
        {"kid", 1},
        {"kid", "kbs:///a/b"},
        {"kid", "kbs+pkcs11:///a/b/c"},
        {"wrapped_data", null},
        {"wrapped_data", "AA"},
        {"wrapped_data", base::json::Array{1, 2}},
        {"wrapped_data", "AAAAAAAAAAAAAAAAAAAA"},
        {"wrapped_data", "_3LyhluQ5hn61UdwVQLWcw=="},
        {"wrapped_data", "/3LyhluQ5hn61UdwVQLWcw==\n"},
        {"wrapped_data", "/3LyhluQ5hn61UdwVQLWcx=="},
        {"iv", null},
        {"iv", ""},
        {"iv", "AAAAAAAAAAAAAA=="},
        {"iv", "AAECAwQFBgcICQoLDA0ODw=="},
        {"iv", "AAAAAAAAAAAAAAA"},
        {"wrap_type", null},
        {"wrap_type", "a256gcm"},
        {"wrap_type", "A256GCM "},
        {"wrap_type", "A128GCM"},
        {"wrap_type", "A256CTR"},
        {"wrap_type", ""},
        {"version", null},
        {"version", "0.2.0"},
        {"version", 1},
        {"provider", null},
        {"provider_settings", null},
        {"provider_settings", "x"},
        {"annotations", base::json::Array{}},
    };
    for (const auto& [name, value] : broken) {
        CAPTURE(name);
        CAPTURE(base::json::serialize_public(value));
        const auto packet = parse_with(name, value);
        REQUIRE(!packet);
        CHECK(packet.error().code() == ErrorCode::packet_invalid);
    }
    for (const std::string_view name : {"kid", "wrapped_data", "iv", "wrap_type"}) {
        const Value whole = valid();
        base::json::Object packet;
        for (const auto& [member, value] : *whole.as_object()) {
            if (std::string_view(member) != name) packet.set(member, value);
        }
        const auto read = parse(packet);
        REQUIRE(!read);
        CHECK(read.error().code() == ErrorCode::packet_invalid);
        CHECK(read.error().detail().contains(name));
    }
}

TEST_CASE("refuses a member given twice, text behind the packet, other JSON and more than 64 KiB") {
    std::string twice(sample_true);
    twice.insert(1, R"("kid":"kbs:///a/b/c",)");
    CHECK(parse_packet(twice).error().code() == ErrorCode::packet_invalid);
    CHECK(parse_packet(std::string(sample_true) + "x").error().code() == ErrorCode::packet_invalid);
    for (const std::string_view text : {"", "null", "[]", "1", R"("x")", "{}"}) {
        CHECK(parse_packet(text).error().code() == ErrorCode::packet_invalid);
    }
    const auto padded = std::string(sample_true) + std::string(max_packet_bytes - sample_true.size(), ' ');
    CHECK(parse_packet(padded));
    CHECK(parse_packet(padded + ' ').error().code() == ErrorCode::packet_invalid);
}

TEST_CASE("packets of other key providers are refused by the name of their owner") {
    // [clouds §1.4, §5.3, coco-guest §2.2]
    const auto owner = [](std::string_view text) {
        const auto packet = parse_packet(text);
        REQUIRE(!packet);
        CHECK(packet.error().code() == ErrorCode::packet_foreign);
        return packet.error().detail();
    };
    CHECK(
        owner(
            R"({"kid":"testkey000","wrapped_data":"AAAA","wrap_type":"rsa_3072","kms_endpoint":"a.managedhsm.azure.net","attester_endpoint":"b.attest.azure.net"})")
            .contains("AASP"));
    CHECK(owner(R"({"kid":"testkey000","wrapped_data":"AAAA","wrap_type":"rsa_4096"})").contains("AASP"));
    CHECK(owner(R"({"kid":"k","wrapped_data":"AAAA","attester_endpoint":"b"})").contains("AASP"));
    CHECK(owner(R"({"key_url":"gcpkms://projects/p","wrapped_key":"AAAA","wrap_type":"AES"})")
              .contains("Google Cloud KMS"));
    CHECK(
        owner(
            R"({"version":"0.1.0","kid":"alias/k","wrapped_data":"AAAA","provider":"aliyun","provider_settings":{},"annotations":{}})")
            .contains("\"aliyun\""));
    CHECK(owner(R"({"kid":"k","wrapped_data":"AAAA","provider":"KBS"})").contains("\"KBS\""));
}
