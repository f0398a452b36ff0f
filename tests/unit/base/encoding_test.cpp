// SPDX-License-Identifier: Apache-2.0
#include "base/encoding.h"

#include <doctest/doctest.h>

#include <array>

using base::as_bytes;

TEST_CASE("base64 matches the vectors of RFC 4648 section 10") {
    const std::array<std::pair<std::string_view, std::string_view>, 7> vectors{{{"", ""},
                                                                                {"f", "Zg=="},
                                                                                {"fo", "Zm8="},
                                                                                {"foo", "Zm9v"},
                                                                                {"foob", "Zm9vYg=="},
                                                                                {"fooba", "Zm9vYmE="},
                                                                                {"foobar", "Zm9vYmFy"}}};
    for (const auto& [plain, encoded] : vectors) {
        CHECK(base::base64_encode(as_bytes(plain)) == encoded);
        CHECK(base::as_text(*base::base64_decode(encoded)) == plain);
        CHECK(base::as_text(*base::base64_decode_lenient(encoded)) == plain);
        CHECK(base::base64_decode_secret(encoded)->text() == plain);
    }
}

TEST_CASE("strict base64 refuses everything that is not the one canonical text") {
    for (const std::string_view text : {"Zg", "Zg=", "Zg===", "Z", "Zh==", "Zm9=", "Zg==\n", "Z g=", "Zg==Zg==", "=",
                                        "====", "Zm9v=", "Zm8=x", "Zm9-", "Zm9_", "\xc3\xa4==", "Zm9v====", "Z==="}) {
        CAPTURE(text);
        CHECK(!base::base64_decode(text));
        CHECK(!base::base64_decode_secret(text));
    }
}

TEST_CASE("lenient base64 skips line ends and ignores unused bits but still wants padding") {
    CHECK(base::as_text(*base::base64_decode_lenient("Zm\r\n9v\n")) == "foo");
    CHECK(base::as_text(*base::base64_decode_lenient("Zh==")) == "f");
    CHECK(base::as_text(*base::base64_decode_lenient("Zg=\n=")) == "f");
    for (const std::string_view text : {"Zg", "Zg=", "Z g=", "Zm9v=", "Zg==Zg==", "Zm9_"}) {
        CAPTURE(text);
        CHECK(!base::base64_decode_lenient(text));
    }
}

TEST_CASE("base64url has no padding and its own two symbols") {
    const base::Bytes bytes{0xfb, 0xff, 0xfe};
    CHECK(base::base64url_encode(bytes) == "-__-");
    CHECK(*base::base64url_decode("-__-") == bytes);
    CHECK(base::base64url_encode(as_bytes("f")) == "Zg");
    CHECK(base::base64url_decode_secret("Zg")->text() == "f");
    for (const std::string_view text : {"Zg==", "+//+", "Z", "Zh", "Zg\n"}) {
        CAPTURE(text);
        CHECK(!base::base64url_decode(text));
    }
}

TEST_CASE("every length comes back") {
    base::Bytes bytes;
    for (int size = 0; size < 70; ++size) {
        CHECK(*base::base64_decode(base::base64_encode(bytes)) == bytes);
        CHECK(*base::base64url_decode(base::base64url_encode(bytes)) == bytes);
        CHECK(*base::hex_decode(base::hex_encode(bytes)) == bytes);
        CHECK(base::to_bytes(base::base64_decode_lenient_secret(base::base64_encode_secret(bytes))->view()) == bytes);
        bytes.push_back(static_cast<std::uint8_t>(size * 37 + 200));
    }
}

TEST_CASE("hex takes both cases and refuses half bytes and other characters") {
    CHECK(*base::hex_decode("00fFAb") == base::Bytes{0, 0xff, 0xab});
    CHECK(!base::hex_decode("0"));
    CHECK(!base::hex_decode("0g"));
    CHECK(!base::hex_decode("0x12"));
}
