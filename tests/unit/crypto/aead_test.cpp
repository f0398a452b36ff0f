// SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"

#include <doctest/doctest.h>

#include "base/encoding.h"

using base::ErrorCode;

namespace {
base::Bytes hex(std::string_view text) {
    return *base::hex_decode(text);
}
}  // namespace

TEST_CASE("AES-256-GCM matches test cases 13 to 16 of the GCM submission to NIST") {
    struct Vector {
        const char *key, *nonce, *aad, *plaintext, *sealed;
    };
    const char* const key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
    const Vector vectors[] = {
        {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "", "",
         "530f8afbc74536b9a963b4f1c4cb738b"},
        {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
         "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
        {key, "cafebabefacedbaddecaf888", "",
         "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de"
         "657ba"
         "637b391aafd255",
         "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7"
         "a0abc"
         "c9f662898015adb094dac5d93471bdec1a502270e3cc6c"},
        {key, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
         "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de"
         "657ba"
         "637b39",
         "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7"
         "a0abc"
         "c9f66276fc6ece0f4e1768cddf8853bb2d551b"}};
    for (const Vector& v : vectors) {
        CHECK(*crypto::aes256gcm_seal(hex(v.key), hex(v.nonce), hex(v.aad), hex(v.plaintext)) == hex(v.sealed));
        CHECK(base::to_bytes(crypto::aes256gcm_open(hex(v.key), hex(v.nonce), hex(v.aad), hex(v.sealed))->view()) ==
              hex(v.plaintext));
    }
}

TEST_CASE("any flipped bit of key, nonce, additional data, ciphertext or tag gives the one decryption error") {
    base::Bytes key(32, 1);
    base::Bytes nonce(12, 2);
    base::Bytes aad(5, 3);
    base::Bytes sealed = *crypto::aes256gcm_seal(key, nonce, aad, base::as_bytes("secret"));
    for (base::Bytes* part : {&key, &nonce, &aad, &sealed}) {
        for (std::size_t bit = 0; bit < part->size() * 8; ++bit) {
            (*part)[bit / 8] = static_cast<std::uint8_t>((*part)[bit / 8] ^ 1U << bit % 8);
            const auto opened = crypto::aes256gcm_open(key, nonce, aad, sealed);
            REQUIRE(!opened);
            CHECK(opened.error().code() == ErrorCode::decryption_failed);
            CHECK(opened.error().detail().empty());
            (*part)[bit / 8] = static_cast<std::uint8_t>((*part)[bit / 8] ^ 1U << bit % 8);
        }
    }
    for (std::size_t size = 0; size < sealed.size(); ++size) {
        CHECK(crypto::aes256gcm_open(key, nonce, aad, base::ByteView(sealed).first(size)).error().code() ==
              ErrorCode::decryption_failed);
    }
    CHECK(crypto::aes256gcm_open(key, nonce, aad, sealed)->text() == "secret");
}

TEST_CASE("keys, nonces and counters of another length are refused") {
    const base::Bytes key(32);
    const base::Bytes nonce(12);
    for (const std::size_t size : {0UL, 16UL, 31UL, 33UL}) {
        CHECK(crypto::aes256gcm_seal(base::Bytes(size), nonce, {}, {}).error().code() ==
              ErrorCode::crypto_input_invalid);
        CHECK(crypto::aes256gcm_open(base::Bytes(size), nonce, {}, base::Bytes(16)).error().code() ==
              ErrorCode::crypto_input_invalid);
        CHECK(!crypto::insecure_aes256ctr(base::Bytes(size), base::Bytes(16), {}));
    }
    for (const std::size_t size : {0UL, 11UL, 13UL, 16UL}) {
        CHECK(!crypto::aes256gcm_seal(key, base::Bytes(size), {}, {}));
        CHECK(!crypto::aes256gcm_open(key, base::Bytes(size), {}, base::Bytes(16)));
    }
    CHECK(!crypto::insecure_aes256ctr(key, base::Bytes(12), {}));
}

TEST_CASE("AES-256-CTR matches NIST SP 800-38A F.5.5 and the packet vector of the guest specification") {
    const auto out =
        crypto::insecure_aes256ctr(hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"),
                                   hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"),
                                   hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"));
    CHECK(base::hex_encode(out->view()) == "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5");
    const auto packet =
        crypto::insecure_aes256ctr(hex("d99b7705b0ba7a168295b3a3367270b0dd9b371bf514ca8b9ba7f0a33711daea"),
                                   hex("000102030405060708090a0b0c0d0e0f"), base::as_bytes(R"({"symkey":"AA=="})"));
    CHECK(base::base64_encode(packet->view()) == "OnjAq2gZkaXAi87FLlWVMC4=");
}
