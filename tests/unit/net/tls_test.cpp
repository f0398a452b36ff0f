// SPDX-License-Identifier: Apache-2.0
// Client and server over TLS: whom the client trusts, and what the server offers.
#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <functional>
#include <memory>

#include "base/encoding.h"
#include "loopback.h"
#include "net/http_client.h"

using base::ErrorCode;
using net_test::Server;

namespace {

struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(BIO* bio) const { BIO_free(bio); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using X509Ptr = std::unique_ptr<X509, Free>;

std::string pem(const std::function<int(BIO*)>& write) {
    const std::unique_ptr<BIO, Free> bio(BIO_new(BIO_s_mem()));
    REQUIRE(write(bio.get()) == 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

/// A certificate of its own key; signed by `issuer`, or by itself.
struct Identity {
    Key key{EVP_EC_gen("P-256")};
    X509Ptr certificate{X509_new()};

    struct Shape {
        const Identity* issuer = nullptr;
        const char* name = "a server";
        const char* alternative_name = nullptr;  // a CA has none
        long days_from = -1;
        long days_to = 1;
    };
    explicit Identity(const Shape& shape) {
        X509* x = certificate.get();
        X509_set_version(x, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(x), shape.issuer == nullptr ? 1 : 2);
        X509_gmtime_adj(X509_getm_notBefore(x), shape.days_from * 86400);
        X509_gmtime_adj(X509_getm_notAfter(x), shape.days_to * 86400);
        X509_set_pubkey(x, key.get());
        X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>(shape.name), -1, -1, 0);
        const Identity& signer = shape.issuer == nullptr ? *this : *shape.issuer;
        X509_set_issuer_name(x, X509_get_subject_name(signer.certificate.get()));
        if (shape.alternative_name == nullptr) {
            add(NID_basic_constraints, "critical,CA:TRUE");
        } else {
            add(NID_subject_alt_name, shape.alternative_name);
        }
        REQUIRE(X509_sign(x, signer.key.get(), EVP_sha256()) != 0);
    }
    void add(int nid, const char* value) {
        X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
        REQUIRE(extension != nullptr);
        X509_add_ext(certificate.get(), extension, -1);
        X509_EXTENSION_free(extension);
    }
    [[nodiscard]] std::string certificate_pem() const {
        return pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
    }
    [[nodiscard]] net::TlsIdentity tls() const {
        const std::string text = pem(
            [&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
        return {certificate_pem(), base::SecretBytes::copy_of(text)};
    }
    [[nodiscard]] std::string pin() const {
        unsigned char* der = nullptr;
        const int size = i2d_PUBKEY(key.get(), &der);
        std::array<std::uint8_t, 32> digest{};
        EVP_Digest(der, static_cast<std::size_t>(size), digest.data(), nullptr, EVP_sha256(), nullptr);
        OPENSSL_free(der);
        return base::base64_encode(digest);
    }
};

struct World {
    Identity ca{{.name = "a CA"}};
    Identity good{{.issuer = &ca, .alternative_name = "IP:127.0.0.1"}};

    [[nodiscard]] Server serve(const Identity& identity) const {
        net::HttpServerOptions options;
        options.tls = identity.tls();
        return Server(net_test::echo, std::move(options));
    }
};

net::HttpClientOptions trusting(std::string ca_pem, std::string pin = {}) {
    return {.ca_pem = std::move(ca_pem),
            .pinned_spki_sha256 = std::move(pin),
            .allow_http = false,
            .total_timeout = std::chrono::seconds(20)};
}

base::Result<net::HttpResponse> get(const Server& server, net::HttpClientOptions options) {
    return (*net::create_http_client(std::move(options)))->send({"GET", server.url("/", "https"), {}, {}});
}

void check_untrusted(const base::Result<net::HttpResponse>& response, std::string_view reason = {}) {
    REQUIRE(!response);
    CHECK(response.error().code() == ErrorCode::tls_untrusted);
    CHECK(response.error().detail().starts_with("https://127.0.0.1:"));
    CAPTURE(response.error().detail());
    CHECK(response.error().detail().contains(reason));
}

}  // namespace

TEST_CASE("a server of the given CA is trusted, again and again on one client") {
    const World world;
    const Server server = world.serve(world.good);
    const auto client = std::move(*net::create_http_client(trusting(world.ca.certificate_pem())));
    for (int i = 0; i < 3; ++i) {
        const auto response = client->send({"POST", server.url("/x", "https"), {}, base::SecretBytes::copy_of("key")});
        REQUIRE(response);
        CHECK(response->body.text() == "POST /x  key");
    }
}

TEST_CASE("a server of another CA, an expired one, one not yet valid and one of another name are untrusted") {
    const World world;
    const Identity other_ca({.name = "other"});
    const std::string ca = world.ca.certificate_pem();
    check_untrusted(get(world.serve(world.good), trusting(other_ca.certificate_pem())));
    check_untrusted(get(world.serve(world.good), trusting("")));
    const Identity expired({.issuer = &world.ca, .alternative_name = "IP:127.0.0.1", .days_from = -3, .days_to = -1});
    check_untrusted(get(world.serve(expired), trusting(ca)), "expired");
    const Identity future({.issuer = &world.ca, .alternative_name = "IP:127.0.0.1", .days_from = 1, .days_to = 3});
    check_untrusted(get(world.serve(future), trusting(ca)), "not yet valid");
    const Identity elsewhere({.issuer = &world.ca, .alternative_name = "IP:127.0.0.2,DNS:localhost"});
    check_untrusted(get(world.serve(elsewhere), trusting(ca)), "name");
    // Of the same name as the CA but signed by another key.
    const Identity impostor_ca({.name = "a CA"});
    const Identity forged({.issuer = &impostor_ca, .alternative_name = "IP:127.0.0.1"});
    CHECK(!get(world.serve(forged), trusting(ca)));
}

TEST_CASE("a pin alone replaces the chain, and with a CA both must hold") {
    const World world;
    const Identity other_ca({.name = "other"});
    const Server server = world.serve(world.good);
    const std::string ca = world.ca.certificate_pem();
    CHECK(get(server, trusting("", world.good.pin())));
    check_untrusted(get(server, trusting("", world.ca.pin())));
    CHECK(get(server, trusting(ca, world.good.pin())));
    check_untrusted(get(server, trusting(ca, world.ca.pin())));
    check_untrusted(get(server, trusting(other_ca.certificate_pem(), world.good.pin())));
}

TEST_CASE("a server that speaks no TLS is a failed connection") {
    const Server server;
    const World world;
    const auto response = get(server, trusting(world.ca.certificate_pem()));
    REQUIRE(!response);
    CHECK(response.error().code() == ErrorCode::net_failed);
}

TEST_CASE("a reloaded identity serves new connections, and one that cannot be used changes nothing") {
    const World world;
    const Server server = world.serve(world.good);
    const Identity next({.issuer = &world.ca, .alternative_name = "IP:127.0.0.1"});
    net::TlsIdentity mixed{next.certificate_pem(), world.good.tls().private_key_pem.clone()};
    CHECK(server.server->reload_tls(mixed).error().code() == ErrorCode::config_invalid);
    CHECK(server.server->reload_tls({"nonsense", base::SecretBytes::copy_of("nonsense")}).error().code() ==
          ErrorCode::config_invalid);
    CHECK(get(server, trusting("", world.good.pin())));
    REQUIRE(server.server->reload_tls(next.tls()));
    CHECK(get(server, trusting("", next.pin())));
    check_untrusted(get(server, trusting("", world.good.pin())));
}
