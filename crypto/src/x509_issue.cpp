// SPDX-License-Identifier: Apache-2.0
#include "crypto/x509_issue.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "crypto/random.h"
#include "openssl.h"

namespace crypto {
namespace {

constexpr std::size_t kMaxCommonName = 64;  // [RFC5280 A.1] ub-common-name
constexpr std::size_t kMaxNames = 64;

using X509Ptr = std::unique_ptr<X509, openssl::Deleter<X509_free>>;
using GeneralNames = std::unique_ptr<GENERAL_NAMES, openssl::Deleter<GENERAL_NAMES_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, openssl::Deleter<X509_EXTENSION_free>>;

bool printable(std::string_view text) {
    return !text.empty() && text.size() <= kMaxCommonName &&
           std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

/// [RFC1123 §2.1] letters, digits and hyphens; a last label of digits alone would be a broken IPv4 address.
bool dns_name(std::string_view name) {
    if (name.empty() || name.size() > 253) return false;
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    for (;;) {
        const std::size_t dot = name.find('.');
        const std::string_view label = name.substr(0, dot);
        if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
        if (!std::ranges::all_of(label, [&](char c) { return digit(c) || letter(c) || c == '-'; })) return false;
        if (dot == std::string_view::npos) return !std::ranges::all_of(label, digit);
        name.remove_prefix(dot + 1);
    }
}

/// 4 or 16 bytes in network order, or nothing.
base::Bytes ip_address(const std::string& text) {
    std::array<std::uint8_t, 16> out{};
    if (inet_pton(AF_INET, text.c_str(), out.data()) == 1) return {out.begin(), out.begin() + 4};
    if (inet_pton(AF_INET6, text.c_str(), out.data()) == 1) return {out.begin(), out.end()};
    return {};
}

base::Result<GeneralNames> alternative_names(std::span<const std::string> names) {
    if (names.empty() || names.size() > kMaxNames) return openssl::bad_input("a server certificate has 1 to 64 names");
    GeneralNames list(openssl::required(GENERAL_NAMES_new()));
    for (const std::string& name : names) {
        const base::Bytes address = ip_address(name);
        if (address.empty() && !dns_name(name)) {
            return openssl::bad_input(fmt::format("\"{}\" is neither a DNS name nor an IP address", name));
        }
        const base::ByteView content = address.empty() ? base::as_bytes(name) : base::ByteView(address);
        auto* value = openssl::required(address.empty() ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new());
        openssl::require(ASN1_STRING_set(value, content.data(), static_cast<int>(content.size())) == 1);
        GENERAL_NAME* entry = openssl::required(GENERAL_NAME_new());
        GENERAL_NAME_set0_value(entry, address.empty() ? GEN_DNS : GEN_IPADD, value);  // takes it
        openssl::require(sk_GENERAL_NAME_push(list.get(), entry) > 0);
    }
    return list;
}

const EVP_MD* digest_for(KeyType type) {
    switch (type) {
        case KeyType::ed25519:
            return nullptr;  // hashes by itself
        case KeyType::ec_p384:
            return EVP_sha384();
        case KeyType::ec_p521:
            return EVP_sha512();
        case KeyType::rsa:
        case KeyType::ec_p256:
            return EVP_sha256();
    }
    std::abort();
}

/// A certificate in the making; `issuer` is nullptr for one that signs itself.
class Builder {
  public:
    static base::Result<Builder> create(std::string_view common_name, const PublicKey& key, Validity validity,
                                        X509* issuer) {
        if (validity.not_before > validity.not_after)
            return openssl::bad_input("a certificate that ends before it begins");
        Builder builder;
        X509* x509 = builder.x509_.get();
        openssl::require(X509_set_version(x509, X509_VERSION_3) == 1);
        // [RFC5280 §4.1.2.2] positive and at most 20 bytes; random, so that no two CAs of one name collide.
        base::Bytes serial = random_bytes(16);
        serial.front() = static_cast<std::uint8_t>((serial.front() & 0x7f) | 0x40);
        const openssl::BigNum number(
            openssl::required(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr)));
        openssl::required(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(x509)));
        const auto set_time = [](ASN1_TIME* time, base::TimePoint at) {
            // Four-digit years are all that the format has.
            return ASN1_TIME_set(time, std::chrono::system_clock::to_time_t(at)) != nullptr;
        };
        if (!set_time(X509_getm_notBefore(x509), validity.not_before) ||
            !set_time(X509_getm_notAfter(x509), validity.not_after)) {
            return openssl::bad_input("a date that a certificate cannot hold");
        }
        openssl::require(X509_set_pubkey(x509, key.evp()) == 1);
        // An empty subject is what [RFC5280 §4.1.2.6] foresees where the names are in subjectAltName alone.
        if (!common_name.empty()) {
            const auto* text = reinterpret_cast<const unsigned char*>(common_name.data());
            openssl::require(X509_NAME_add_entry_by_NID(X509_get_subject_name(x509), NID_commonName, MBSTRING_UTF8,
                                                        text, static_cast<int>(common_name.size()), -1, 0) == 1);
        }
        builder.issuer_ = issuer == nullptr ? x509 : issuer;
        openssl::require(X509_set_issuer_name(x509, X509_get_subject_name(builder.issuer_)) == 1);
        return builder;
    }

    /// An extension in the notation of x509v3_config(5). Constants only: names from outside never pass through it.
    void add(int nid, const char* value) {
        X509V3_CTX ctx;
        X509V3_set_ctx_nodb(&ctx);
        X509V3_set_ctx(&ctx, issuer_, x509_.get(), nullptr, nullptr, 0);
        const Extension extension(openssl::required(X509V3_EXT_conf_nid(nullptr, &ctx, nid, value)));
        openssl::require(X509_add_ext(x509_.get(), extension.get(), -1) == 1);
    }

    /// `critical` is for a certificate without a subject [RFC5280 §4.2.1.6].
    void add(const GENERAL_NAMES& names, bool critical) {
        openssl::require(X509_add1_ext_i2d(x509_.get(), NID_subject_alt_name, const_cast<GENERAL_NAMES*>(&names),
                                           critical ? 1 : 0, X509V3_ADD_DEFAULT) == 1);
    }

    base::Result<Certificate> sign(const PrivateKey& key) && {
        openssl::require(X509_sign(x509_.get(), key.evp(), digest_for(key.type())) > 0);
        return Certificate::adopt({x509_.release(), [](X509* owned) { X509_free(owned); }});
    }

  private:
    X509Ptr x509_{openssl::required(X509_new())};
    X509* issuer_ = nullptr;
};

base::Status check_issuer(const Certificate& ca, const PrivateKey& ca_key) {
    if ((X509_get_extension_flags(ca.x509()) & EXFLAG_CA) == 0) return openssl::bad_input("the issuer is no CA");
    TRY_ASSIGN(const PublicKey key, ca.public_key());
    if (!(key == ca_key.public_key())) return openssl::bad_input("the CA's key does not belong to its certificate");
    return {};
}

base::Result<Builder> end_entity(const Certificate& ca, const PrivateKey& ca_key, std::string_view common_name,
                                 const PublicKey& key, Validity validity, const char* key_usage) {
    TRY(check_issuer(ca, ca_key));
    TRY_ASSIGN(Builder builder, Builder::create(common_name, key, validity, ca.x509()));
    builder.add(NID_basic_constraints, "critical,CA:FALSE");
    builder.add(NID_key_usage, key_usage);
    builder.add(NID_subject_key_identifier, "hash");
    builder.add(NID_authority_key_identifier, "keyid:always");
    return builder;
}

}  // namespace

base::Result<Certificate> issue_ca(std::string_view common_name, const PrivateKey& key, Validity validity) {
    if (!printable(common_name)) return openssl::bad_input("a common name has 1 to 64 printable characters");
    TRY_ASSIGN(Builder builder, Builder::create(common_name, key.public_key(), validity, nullptr));
    builder.add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    builder.add(NID_key_usage, "critical,keyCertSign,cRLSign");
    builder.add(NID_subject_key_identifier, "hash");
    builder.add(NID_authority_key_identifier, "keyid:always");
    return std::move(builder).sign(key);
}

base::Result<Certificate> issue_server_certificate(const Certificate& ca, const PrivateKey& ca_key,
                                                   const PublicKey& subject_key, std::span<const std::string> names,
                                                   Validity validity) {
    TRY_ASSIGN(const GeneralNames alternatives, alternative_names(names));
    // Clients look at subjectAltName alone; the common name is for people who list certificates.
    const std::string_view common_name = printable(names.front()) ? std::string_view(names.front()) : "";
    const char* usage =
        subject_key.type() == KeyType::rsa ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature";
    TRY_ASSIGN(Builder builder, end_entity(ca, ca_key, common_name, subject_key, validity, usage));
    builder.add(NID_ext_key_usage, "serverAuth");
    builder.add(*alternatives, common_name.empty());
    return std::move(builder).sign(ca_key);
}

base::Result<Certificate> issue_signing_certificate(const Certificate& ca, const PrivateKey& ca_key,
                                                    const PublicKey& subject_key, std::string_view common_name,
                                                    Validity validity) {
    if (!printable(common_name)) return openssl::bad_input("a common name has 1 to 64 printable characters");
    TRY_ASSIGN(Builder builder,
               end_entity(ca, ca_key, common_name, subject_key, validity, "critical,digitalSignature"));
    return std::move(builder).sign(ca_key);
}

}  // namespace crypto
