// SPDX-License-Identifier: Apache-2.0
#include "crypto/x509_issue.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

using namespace crypto;
using base::ErrorCode;
using std::chrono::days;
using namespace std::string_literals;

namespace {

const Validity kYear{base::TimePoint{std::chrono::seconds(1'700'000'000)},
                     base::TimePoint{std::chrono::seconds(1'700'000'000)} + days(365)};

base::Result<Certificate> issue(const std::vector<std::string>& names, Validity validity = kYear) {
    const auto ca_key = *PrivateKey::generate(KeyType::ec_p256);
    const auto ca = *issue_ca("Test CA", ca_key, kYear);
    return issue_server_certificate(ca, ca_key, ca_key.public_key(), names, validity);
}

}  // namespace

TEST_CASE("names of a server are DNS names and addresses of both families") {
    const auto certificate = issue({"a.example", "192.0.2.1", "2001:db8::1", "localhost"});
    REQUIRE(certificate.has_value());
    const base::Bytes expected{0x30, 0x2e, 0x82, 9,    'a', '.',  'e',  'x',  'a',  'm', 'p', 'l', 'e', 0x87, 4,   192,
                               0,    2,    1,    0x87, 16,  0x20, 0x01, 0x0d, 0xb8, 0,   0,   0,   0,   0,    0,   0,
                               0,    0,    0,    0,    1,   0x82, 9,    'l',  'o',  'c', 'a', 'l', 'h', 'o',  's', 't'};
    CHECK(certificate->extension("2.5.29.17") == expected);
}

TEST_CASE("what is no name of a host gets no certificate") {
    for (const char* name : {"", "-a.example", "a-.example", "a..b", ".example", "a_b.example", "*.example", "a b",
                             "a.example.", "1.2.3.256", "[::1]", "host:443", "a,DNS:evil.example", "d\xc3\xa4"}) {
        CAPTURE(name);
        const auto certificate = issue({name});
        REQUIRE_FALSE(certificate.has_value());
        CHECK(certificate.error().code() == ErrorCode::crypto_input_invalid);
    }
    CHECK_FALSE(issue({std::string(64, 'a')}).has_value());
    CHECK_FALSE(issue({}).has_value());
    CHECK_FALSE(issue(std::vector<std::string>(65, "a.example")).has_value());
    CHECK_FALSE(issue({"a.example\0.evil"s}).has_value());
}

TEST_CASE("a name too long for a common name is in subjectAltName alone, which is critical then") {
    const std::string name = std::string(60, 'a') + "." + std::string(60, 'b');
    const auto certificate = issue({name});
    REQUIRE(certificate.has_value());
    CHECK(certificate->subject().empty());
}

TEST_CASE("a certificate does not end before it begins") {
    CHECK_FALSE(issue({"a.example"}, {kYear.not_after, kYear.not_before}).has_value());
}

TEST_CASE("common names are short and printable") {
    const auto key = *PrivateKey::generate(KeyType::ec_p256);
    CHECK(issue_ca(std::string(64, 'a'), key, kYear).has_value());
    CHECK_FALSE(issue_ca(std::string(65, 'a'), key, kYear).has_value());
    CHECK_FALSE(issue_ca("", key, kYear).has_value());
    CHECK_FALSE(issue_ca("a\nb", key, kYear).has_value());
}

TEST_CASE("a signing certificate may sign data and nothing else") {
    const auto ca_key = *PrivateKey::generate(KeyType::ec_p256);
    const auto ca = *issue_ca("Test CA", ca_key, kYear);
    const auto key = *PrivateKey::generate(KeyType::ec_p256);
    const auto certificate = issue_signing_certificate(ca, ca_key, key.public_key(), "token signer", kYear);
    REQUIRE(certificate.has_value());
    CHECK(certificate->extension("2.5.29.15") == base::Bytes{0x03, 0x02, 0x07, 0x80});
    CHECK_FALSE(certificate->extension("2.5.29.37").has_value());
    CHECK(verify_chain(*certificate, {}, std::span(&ca, 1), kYear.not_before).has_value());
}

TEST_CASE("no two certificates share a serial number") {
    std::set<base::Bytes> seen;
    const auto key = *PrivateKey::generate(KeyType::ec_p256);
    // The serial is the first field that differs.
    for (int i = 0; i < 20; ++i) {
        const base::Bytes der = issue_ca("Test CA", key, kYear)->to_der();
        // SEQUENCE, SEQUENCE, [0] version: 13 bytes in this shape; then INTEGER of 16 bytes
        REQUIRE(der[13] == 0x02);
        REQUIRE(der[14] == 16);
        CHECK((der[15] & 0xc0) == 0x40);
        seen.insert(base::Bytes(der.begin() + 15, der.begin() + 31));
    }
    CHECK(seen.size() == 20);
}
