// SPDX-License-Identifier: Apache-2.0
#include "broker_fixture.h"

using namespace kbs;
namespace json = base::json;

namespace {

struct Administrators {
    crypto::PrivateKey admin = *crypto::PrivateKey::generate(crypto::KeyType::ed25519);
    crypto::PrivateKey publisher = *crypto::PrivateKey::generate(crypto::KeyType::ec_p256);
    AdminAuthenticator authenticator{
        {{"boss", admin.public_key(), {Role::admin, Role::publisher}, std::chrono::hours(24)},
         {"ci", publisher.public_key(), {Role::publisher}, std::chrono::hours(24)}}};

    [[nodiscard]] base::Result<Administrator> present(const json::Object& claims, const crypto::PrivateKey& key) const {
        return authenticator.authenticate(
            *crypto::jose::sign_jwt({}, claims, key, crypto::default_signature_algorithm(key.type())), noon);
    }
};

std::int64_t in(std::chrono::seconds time) {
    return (noon + time).time_since_epoch().count();
}

void refused(const base::Result<Administrator>& result, std::string_view why) {
    REQUIRE_FALSE(result);
    CHECK(result.error().code() == base::ErrorCode::admin_refused);
    CHECK(result.error().detail().find(why) != std::string::npos);
}

}  // namespace

TEST_CASE("an administrator is known by his signature and takes one of his roles") {
    const Administrators administrators;
    const auto boss =
        administrators.present({{"role", "admin"}, {"exp", in(std::chrono::hours(2))}}, administrators.admin);
    REQUIRE(boss);
    CHECK(boss->name == "boss");
    CHECK(boss->role == Role::admin);
    CHECK(administrators.present({{"role", "publisher"}, {"exp", in(std::chrono::hours(2))}}, administrators.admin)
              ->role == Role::publisher);
    CHECK(administrators.present({{"role", "publisher"}, {"exp", in(std::chrono::hours(2))}}, administrators.publisher)
              ->name == "ci");
}

TEST_CASE("other claims, as Trustee's tools write them, do not matter") {
    const Administrators administrators;
    CHECK(administrators.present({{"iss", "TrusteeInDocker"},
                                  {"sub", "admin"},
                                  {"aud", json::Array{"KBS"}},
                                  {"role", "admin"},
                                  {"iat", in(std::chrono::seconds(0))},
                                  {"exp", in(std::chrono::hours(2))}},
                                 administrators.admin));
}

TEST_CASE("a token is refused") {
    const Administrators administrators;
    const auto& admin = administrators.admin;
    const std::int64_t soon = in(std::chrono::hours(2));
    SUBCASE("of a role that is not open to the key") {
        refused(administrators.present({{"role", "admin"}, {"exp", soon}}, administrators.publisher), "not open to ci");
    }
    SUBCASE("of a role that does not exist") {
        refused(administrators.present({{"role", "root"}, {"exp", soon}}, admin), "not open to boss");
    }
    SUBCASE("without a role") {
        refused(administrators.present({{"exp", soon}}, admin), "no role");
    }
    SUBCASE("whose role is a list") {
        refused(administrators.present({{"role", json::Array{"admin"}}, {"exp", soon}}, admin), "no role");
    }
    SUBCASE("that has expired") {
        refused(administrators.present({{"role", "admin"}, {"exp", in(std::chrono::seconds(-61))}}, admin), "expired");
    }
    SUBCASE("that never expires") {
        refused(administrators.present({{"role", "admin"}}, admin), "exp");
    }
    SUBCASE("that lives too long") {
        refused(administrators.present(
                    {{"role", "admin"}, {"exp", in(std::chrono::hours(24) + std::chrono::seconds(61))}}, admin),
                "lives longer");
    }
    SUBCASE("signed by a stranger") {
        const auto stranger = *crypto::PrivateKey::generate(crypto::KeyType::ed25519);
        refused(administrators.present({{"role", "admin"}, {"exp", soon}}, stranger), "no key that is listed");
    }
    SUBCASE("of algorithm none") {
        const std::string header = base::base64url_encode(base::as_bytes(R"({"alg":"none"})"));
        const std::string claims = base::base64url_encode(
            base::as_bytes(json::serialize_public(json::Object{{"role", "admin"}, {"exp", soon}})));
        refused(administrators.authenticator.authenticate(header + "." + claims + ".", noon), "no key that is listed");
    }
    SUBCASE("whose claims were changed") {
        std::string token = *crypto::jose::sign_jwt({}, json::Object{{"role", "admin"}, {"exp", soon}}, admin,
                                                    crypto::SignatureAlgorithm::eddsa);
        token[token.find('.') + 5] ^= 1;
        refused(administrators.authenticator.authenticate(token, noon), "no key that is listed");
    }
    SUBCASE("that is none") {
        refused(administrators.authenticator.authenticate("", noon), "no key that is listed");
        refused(administrators.authenticator.authenticate("a.b.c", noon), "no key that is listed");
    }
}

TEST_CASE("where nobody is listed everybody is refused") {
    const auto key = *crypto::PrivateKey::generate(crypto::KeyType::ed25519);
    const auto token = *crypto::jose::sign_jwt({}, json::Object{{"role", "admin"}, {"exp", in(std::chrono::hours(1))}},
                                               key, crypto::SignatureAlgorithm::eddsa);
    refused(AdminAuthenticator({}).authenticate(token, noon), "no key that is listed");
}

TEST_CASE("keys of administrators are Ed25519 or P-256 public keys in PEM") {
    const TemporaryDirectory directory;
    const auto load = [&](const std::string& content) {
        return load_admin_authenticator(
            {{"a", directory.write("key.pub", content), {Role::admin}, std::chrono::hours(1)}});
    };
    CHECK(load(crypto::PrivateKey::generate(crypto::KeyType::ed25519)->public_key().to_pem()));
    CHECK(load(crypto::PrivateKey::generate(crypto::KeyType::ec_p256)->public_key().to_pem()));
    CHECK(load(crypto::PrivateKey::generate(crypto::KeyType::ec_p521)->public_key().to_pem()).error().code() ==
          base::ErrorCode::key_file_invalid);
    CHECK(load("hello").error().code() == base::ErrorCode::key_file_invalid);
    CHECK(load_admin_authenticator({{"a", directory / "none", {Role::admin}, std::chrono::hours(1)}}).error().code() ==
          base::ErrorCode::key_file_unreadable);
}
