// SPDX-License-Identifier: Apache-2.0
#include "crypto/x509.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/fd.h"
#include "crypto/x509_issue.h"

using namespace crypto;
using base::ErrorCode;
using base::TimePoint;
using std::chrono::days;
using std::chrono::seconds;

namespace {

const TimePoint kStart{seconds(1'700'000'000)};
const Validity kYear{kStart, kStart + days(365)};

/// A CA and a server certificate under it.
struct Hierarchy {
    PrivateKey ca_key;
    Certificate ca;
    PrivateKey key;
    Certificate leaf;

    static Hierarchy create(KeyType type, Validity validity = kYear) {
        auto ca_key = *PrivateKey::generate(type);
        auto ca = *issue_ca("Test CA", ca_key, validity);
        auto key = *PrivateKey::generate(type);
        const std::vector<std::string> names{"broker.example", "127.0.0.1", "::1"};
        auto leaf = *issue_server_certificate(ca, ca_key, key.public_key(), names, validity);
        return {std::move(ca_key), std::move(ca), std::move(key), std::move(leaf)};
    }
    [[nodiscard]] base::Status verify(TimePoint at) const { return verify_chain(leaf, {}, std::span(&ca, 1), at); }
};

ErrorCode code_of(const auto& result) {
    REQUIRE_FALSE(result.has_value());
    return result.error().code();
}

}  // namespace

TEST_CASE(
    "a certificate of every key type verifies under the CA that issued it, from its first second until its last") {
    for (const KeyType type : {KeyType::ec_p256, KeyType::ec_p384, KeyType::ec_p521, KeyType::rsa, KeyType::ed25519}) {
        CAPTURE(key_type_name(type));
        const auto h = Hierarchy::create(type);
        CHECK(h.verify(kYear.not_before).has_value());
        CHECK(h.verify(kYear.not_after - seconds(1)).has_value());
        CHECK(code_of(h.verify(kYear.not_before - seconds(1))) == ErrorCode::certificate_invalid);
        CHECK(code_of(h.verify(kYear.not_after)) == ErrorCode::certificate_invalid);
        CHECK(*h.leaf.public_key() == h.key.public_key());
    }
}

TEST_CASE("time is an argument: the system's clock does not matter") {
    const TimePoint long_ago{seconds(86'400)};
    const auto h = Hierarchy::create(KeyType::ec_p256, {long_ago, long_ago + days(1)});
    CHECK(h.verify(long_ago + seconds(1)).has_value());
    CHECK(h.leaf.not_before() == long_ago);
    CHECK(h.leaf.not_after() == long_ago + days(1));
}

TEST_CASE("dates beyond 2049 are kept") {
    const TimePoint far{seconds(4'000'000'000)};
    const auto h = Hierarchy::create(KeyType::ec_p256, {kStart, far});
    CHECK(h.leaf.not_after() == far);
    CHECK(h.verify(far - seconds(1)).has_value());
}

TEST_CASE("another CA of the same name does not vouch for a certificate") {
    const auto h = Hierarchy::create(KeyType::ec_p256);
    const auto other = Hierarchy::create(KeyType::ec_p256);
    CHECK(code_of(verify_chain(h.leaf, {}, std::span(&other.ca, 1), kStart)) == ErrorCode::certificate_invalid);
}

TEST_CASE("without a root nothing verifies, and an intermediate is no root") {
    const auto h = Hierarchy::create(KeyType::ec_p256);
    CHECK(code_of(verify_chain(h.leaf, {}, {}, kStart)) == ErrorCode::certificate_invalid);
    CHECK(code_of(verify_chain(h.leaf, std::span(&h.ca, 1), {}, kStart)) == ErrorCode::certificate_invalid);
    // no partial chains: a trusted leaf that is not self-signed ends nothing
    CHECK(code_of(verify_chain(h.leaf, {}, std::span(&h.leaf, 1), kStart)) == ErrorCode::certificate_invalid);
}

TEST_CASE("a certificate that is no CA signs no other") {
    const auto h = Hierarchy::create(KeyType::ec_p256);
    const auto key = *PrivateKey::generate(KeyType::ec_p256);
    const std::vector<std::string> names{"evil.example"};
    CHECK(code_of(issue_server_certificate(h.leaf, h.key, key.public_key(), names, kYear)) ==
          ErrorCode::crypto_input_invalid);
    CHECK(code_of(issue_server_certificate(h.ca, h.key, key.public_key(), names, kYear)) ==
          ErrorCode::crypto_input_invalid);
}

TEST_CASE("the error of a chain names the reason and the certificate") {
    const auto h = Hierarchy::create(KeyType::ec_p256);
    const auto status = h.verify(kYear.not_after + seconds(1));
    CHECK(status.error().detail().find("expired") != std::string::npos);
    CHECK(status.error().detail().find("CN=") != std::string::npos);
}

TEST_CASE("a changed certificate does not verify") {
    const auto h = Hierarchy::create(KeyType::ec_p256);
    base::Bytes der = h.leaf.to_der();
    der[der.size() - 1] ^= 1;  // inside the signature
    const auto changed = Certificate::from_der(der);
    if (changed) {
        CHECK(code_of(verify_chain(*changed, {}, std::span(&h.ca, 1), kStart)) == ErrorCode::certificate_invalid);
    }
    base::Bytes body = h.leaf.to_der();
    const std::string_view name = "broker.example";
    const auto at = std::search(body.begin(), body.end(), name.begin(), name.end());
    REQUIRE(at != body.end());
    *at = 'c';
    CHECK(code_of(verify_chain(*Certificate::from_der(body), {}, std::span(&h.ca, 1), kStart)) ==
          ErrorCode::certificate_invalid);
}

TEST_CASE("what is not exactly one certificate is refused") {
    const auto h = Hierarchy::create(KeyType::ec_p256);
    const base::Bytes der = h.leaf.to_der();
    CHECK(Certificate::from_der(der)->to_der() == der);
    base::Bytes longer = der;
    longer.push_back(0);
    CHECK(code_of(Certificate::from_der(longer)) == ErrorCode::certificate_invalid);
    for (std::size_t size = 0; size < der.size(); ++size) {
        CHECK_FALSE(Certificate::from_der(base::ByteView(der).first(size)).has_value());
    }
    CHECK(code_of(Certificate::from_der(base::Bytes(70'000))) == ErrorCode::certificate_invalid);
}

TEST_CASE("a bundle gives its certificates in order and nothing but certificates") {
    const auto h = Hierarchy::create(KeyType::ec_p256);
    const std::string bundle = "a comment\n" + h.leaf.to_pem() + h.ca.to_pem();
    const auto chain = Certificate::chain_from_pem(bundle);
    REQUIRE(chain.has_value());
    REQUIRE(chain->size() == 2);
    CHECK((*chain)[0] == h.leaf);
    CHECK((*chain)[1] == h.ca);
    CHECK(*Certificate::from_pem(bundle) == h.leaf);
    CHECK(code_of(Certificate::chain_from_pem("")) == ErrorCode::certificate_invalid);
    CHECK(code_of(Certificate::chain_from_pem(h.ca.to_pem() + std::string(h.key.to_pem().text()))) ==
          ErrorCode::certificate_invalid);
    std::string damaged = h.ca.to_pem();
    damaged[60] = '!';
    CHECK(code_of(Certificate::chain_from_pem(damaged)) == ErrorCode::certificate_invalid);
    std::string many;
    for (int i = 0; i < 65; ++i) many += h.ca.to_pem();
    CHECK(code_of(Certificate::chain_from_pem(many)) == ErrorCode::certificate_invalid);
    CHECK(code_of(Certificate::chain_from_pem(std::string(2 << 20, ' '))) == ErrorCode::input_too_large);
}

TEST_CASE("extensions are found by their object identifier") {
    const auto h = Hierarchy::create(KeyType::ec_p256);
    // [RFC5280 §4.2.1.9] SEQUENCE {} is CA:FALSE; SEQUENCE { TRUE, 0 } is CA:TRUE, pathlen 0
    CHECK(h.leaf.extension("2.5.29.19") == base::Bytes{0x30, 0x00});
    CHECK(h.ca.extension("2.5.29.19") == base::Bytes{0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00});
    // serverAuth
    CHECK(h.leaf.extension("2.5.29.37") ==
          base::Bytes{0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01});
    CHECK_FALSE(h.leaf.extension("1.2.3.4").has_value());
    CHECK_FALSE(h.leaf.extension("no oid").has_value());
}

TEST_CASE("subject and issuer are text for people") {
    const auto h = Hierarchy::create(KeyType::ec_p256);
    CHECK(h.ca.subject() == "CN=Test CA");
    CHECK(h.leaf.issuer() == "CN=Test CA");
    CHECK(h.leaf.subject() == "CN=broker.example");
}

namespace {

const TimePoint kIn2030{seconds(1'900'000'000)};

/// Leaf, intermediates and root of one file of vectors, as of `at`.
base::Status verify_file(const std::string& path, TimePoint at) {
    const auto text = base::load_text_file(path, 1 << 20);
    REQUIRE(text.has_value());
    const auto chain = Certificate::chain_from_pem(*text);
    REQUIRE(chain.has_value());
    const std::span<const Certificate> all(*chain);
    return verify_chain(all.front(), all.subspan(1, all.size() - 2), all.last(1), at);
}

std::string vector_path(const char* name) {
    const char* vectors = std::getenv("TEST_VECTORS");
    REQUIRE_MESSAGE(vectors != nullptr, "TEST_VECTORS names the folder tests/vectors");
    return std::string(vectors) + "/x509/" + name + ".pem";
}

}  // namespace

TEST_CASE("chains that OpenSSL's command made verify: P-384, and RSA-PSS as AMD's") {
    for (const char* name : {"good-p384", "good-rsa-pss"}) {
        CAPTURE(name);
        CHECK(verify_file(vector_path(name), kIn2030).has_value());
        CHECK_FALSE(verify_file(vector_path(name), kStart).has_value());
    }
}

TEST_CASE("a chain with one thing wrong does not verify, and the error says what") {
    const std::pair<const char*, const char*> bad[] = {
        {"bad-root-version-1", "may not sign"},
        {"bad-intermediate-not-a-ca", "CA"},
        {"bad-intermediate-without-basic-constraints", "CA"},
        {"bad-intermediate-may-not-sign", "CA"},
        {"bad-intermediate-without-key-usage", "may not sign"},
        {"bad-path-length", "path length"},
        {"bad-sha1", "too weak"},
        {"bad-rsa-1024", "too weak"},
        {"bad-unknown-critical-extension", "critical extension"},
    };
    for (const auto& [name, reason] : bad) {
        CAPTURE(name);
        const auto status = verify_file(vector_path(name), kIn2030);
        REQUIRE_FALSE(status.has_value());
        CHECK(status.error().code() == ErrorCode::certificate_invalid);
        CAPTURE(status.error().detail());
        CHECK(status.error().detail().find(reason) != std::string::npos);
    }
}

TEST_CASE("the intermediates may come in any order but must be there") {
    const auto text = base::load_text_file(vector_path("good-p384"), 1 << 20);
    const auto chain = Certificate::chain_from_pem(*text);
    const auto& leaf = (*chain)[0];
    const std::vector<Certificate> shuffled{(*chain)[2], leaf, (*chain)[1]};
    const auto roots = std::span(*chain).last(1);
    CHECK(verify_chain(leaf, shuffled, roots, kIn2030).has_value());
    CHECK_FALSE(verify_chain(leaf, {}, roots, kIn2030).has_value());
}

TEST_CASE("AMD's chains of Milan and Genoa verify as captured") {
    const char* shared = std::getenv("SHARED_VECTORS");
    const std::string folder = std::string(shared == nullptr ? "" : shared) + "/evidence/snp/";
    if (!std::filesystem::exists(folder)) {
        // The form that tools/sum-tests lists.
        std::puts("SKIPPED AMD's chains of Milan and Genoa verify as captured: no shared vectors here");
        return;
    }
    for (const char* name : {"milan_ask_ark_asvk.pem", "genoa_ask_ark_asvk.pem"}) {
        const auto text = base::load_text_file(folder + name, 1 << 20);
        REQUIRE(text.has_value());
        const auto chain = Certificate::chain_from_pem(*text);
        REQUIRE(chain.has_value());
        const TimePoint at{seconds(1'750'000'000)};
        // ASK, ARK, ASVK: both intermediates are signed by the root with RSA-PSS and SHA-384.
        const auto roots = std::span(*chain).subspan(1, 1);
        CHECK(verify_chain((*chain)[0], {}, roots, at).has_value());
        CHECK(verify_chain((*chain)[2], {}, roots, at).has_value());
        CHECK_FALSE(verify_chain((*chain)[0], {}, std::span(*chain).first(1), at).has_value());
    }
}
