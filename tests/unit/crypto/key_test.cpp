// SPDX-License-Identifier: Apache-2.0
#include "crypto/key.h"

#include <doctest/doctest.h>

#include "base/encoding.h"

using base::ErrorCode;
using crypto::KeyType;
using crypto::PrivateKey;
using crypto::PublicKey;

TEST_CASE("every kind of key survives PEM and DER in both halves") {
    for (const KeyType type : {KeyType::rsa, KeyType::ec_p256, KeyType::ec_p384, KeyType::ec_p521, KeyType::ed25519}) {
        CAPTURE(crypto::key_type_name(type));
        const auto key = PrivateKey::generate(type);
        REQUIRE(key);
        const auto again = PrivateKey::from_pem(key->to_pem().view());
        REQUIRE(again);
        CHECK(again->type() == type);
        const PublicKey public_key = key->public_key();
        CHECK(again->public_key() == public_key);
        CHECK(*PublicKey::from_pem(public_key.to_pem()) == public_key);
        CHECK(*PublicKey::from_spki_der(public_key.to_spki_der()) == public_key);
        CHECK(PublicKey::from_spki_der(public_key.to_spki_der())->spki_sha256() == public_key.spki_sha256());
    }
}

TEST_CASE("refuses bytes behind a key, cut keys and other PEM blocks") {
    const auto key = PrivateKey::generate(KeyType::ec_p256);
    base::Bytes der = key->public_key().to_spki_der();
    for (std::size_t size = 0; size < der.size(); ++size)
        CHECK(!PublicKey::from_spki_der(base::ByteView(der).first(size)));
    der.push_back(0);
    CHECK(PublicKey::from_spki_der(der).error().code() == ErrorCode::crypto_input_invalid);
    CHECK(!PublicKey::from_pem(key->to_pem().text()));
    CHECK(!PrivateKey::from_pem(base::as_bytes(key->public_key().to_pem())));
    CHECK(!PrivateKey::from_pem(base::as_bytes("")));
}

TEST_CASE("refuses points off the curve, the point at infinity and coordinates of another width") {
    const auto point = PrivateKey::generate(KeyType::ec_p256)->public_key().ec_point();
    REQUIRE(point);
    CHECK(PublicKey::from_ec_point(KeyType::ec_p256, point->x, point->y));
    base::Bytes off = point->y;
    off.back() ^= 1;
    CHECK(!PublicKey::from_ec_point(KeyType::ec_p256, point->x, off));
    CHECK(!PublicKey::from_ec_point(KeyType::ec_p256, base::Bytes(32), base::Bytes(32)));
    CHECK(!PublicKey::from_ec_point(KeyType::ec_p384, point->x, point->y));
    CHECK(!PublicKey::from_ec_point(KeyType::ec_p256, base::ByteView(point->x).first(31), point->y));
    CHECK(!PublicKey::from_ec_point(KeyType::rsa, point->x, point->y));
}

TEST_CASE("refuses weak RSA numbers") {
    const auto numbers = PrivateKey::generate(KeyType::rsa)->public_key().rsa_numbers();
    REQUIRE(numbers);
    CHECK(PublicKey::from_rsa_numbers(numbers->n, numbers->e));
    CHECK(!PublicKey::from_rsa_numbers(numbers->n, base::Bytes{3}));
    CHECK(!PublicKey::from_rsa_numbers(numbers->n, base::Bytes{1, 0, 0}));
    CHECK(!PublicKey::from_rsa_numbers(base::ByteView(numbers->n).first(128), numbers->e));
    CHECK(!PublicKey::from_rsa_numbers(base::Bytes(1025, 0xff), numbers->e));
    CHECK(!PublicKey::from_rsa_numbers({}, {}));
    base::Bytes even = numbers->n;
    even.back() ^= 1;
    CHECK(!PublicKey::from_rsa_numbers(even, numbers->e));
    CHECK(!PrivateKey::generate(KeyType::rsa, 1024));
}

TEST_CASE("an encrypted private key is refused without asking for its password") {
    const char* pem = R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiayv2LtBrkmwICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEL2vrzC7ajJ+0rG+UDkFIM0EgZBw
wZrH8tSyCpElqsPMB75Me6HS06lgofsj8j5Xrn5Re3iQLlxYR1vHH3hHix3deHrm
SucspZoKXW/TbCst1cfl1r8NImhZKKTHBXNdpMh7UvNH4c9dyXUt3NXGSczJ6IFS
6Ve4WpwPCK3DG5+3MuWfNSyxo/SAe0qNP6xFtmrh9Jq+d8S3nUWMYko14BERo5A=
-----END ENCRYPTED PRIVATE KEY-----
)";
    const auto key = PrivateKey::from_pem(base::as_bytes(pem));
    REQUIRE(!key);
    CHECK(key.error().detail().find("unencrypted") != std::string::npos);
}

TEST_CASE("curves given by their parameters, other curves and other kinds of key are refused") {
    const char* explicit_p256 = R"(-----BEGIN PUBLIC KEY-----
MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAA
AAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA////
///////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSd
NgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5
RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA
//////////+85vqtpxeehPO5ysL8YyVRAgEBA0IABBwaAA4ThxHb6OhNyKST8Xsx
APZ98vMD5TGAqJ52T3d9LF0qJS/lXmM8Og8FDcLIvH+ASrRvCFalN30tWwWxtpY=
-----END PUBLIC KEY-----
)";
    const char* secp256k1 = R"(-----BEGIN PRIVATE KEY-----
MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQgyHc/gOJ+COPmoEVxD8HO
ou/oehSFZ+TnJwGDwnRswtOhRANCAARBcN3U95HXucWukxatve8EjguF1fgZy7Sb
/JgUI+fEuoCK4F4YK4IkSCHL8aBvMHBY+jhOBLEIj3IGPeqbgkBF
-----END PRIVATE KEY-----
)";
    const char* x25519 = R"(-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VuBCIEIPhBhqAiMekPykFXN1smXiWShU7J1tyQVnZEkX1C5DxG
-----END PRIVATE KEY-----
)";
    const char* rsa_pss = R"(-----BEGIN PUBLIC KEY-----
MIIBIDALBgkqhkiG9w0BAQoDggEPADCCAQoCggEBAN3H7F4REBa/wtEJqpTlcxPC
Mp6qnzxKgcDE8UHCDLJJ12A5YjKWgWQnCvMFEs1tAwoao0kd5imIwl7Vo0tr4JVp
iURdAOIv7e8LZRfCpJTT6JVQxsEC/CJPB74ZHxh0crs12IMU70Pp84t6bRnKUxRs
cO+UXtfH4sWtPXcYpKHlKmT3Cli6+ZQeyUUClrrCddpb6ZBsUFRBSGCH/27Ufxfa
Ml7sFZdsJkWcaWwtvkI8QOfDCBB0u6F2E9e8aPnbG2+/fMhzohz2x9um7a6+es0B
bDRho+qcbYnuTYk7Hk4oBCvuHLGDEwNT7Hk+s6U43yn8Q8MZFZzogx4vVA4RUXMC
AwEAAQ==
-----END PUBLIC KEY-----
)";
    CHECK(PublicKey::from_pem(explicit_p256).error().code() == ErrorCode::crypto_input_invalid);
    CHECK(PrivateKey::from_pem(base::as_bytes(secp256k1)).error().code() == ErrorCode::crypto_input_invalid);
    CHECK(PrivateKey::from_pem(base::as_bytes(x25519)).error().code() == ErrorCode::crypto_input_invalid);
    CHECK(PublicKey::from_pem(rsa_pss).error().code() == ErrorCode::crypto_input_invalid);
}
