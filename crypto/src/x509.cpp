// SPDX-License-Identifier: Apache-2.0
#include "crypto/x509.h"

#include <fmt/format.h>
#include <openssl/pem.h>

#include <chrono>
#include <ctime>

#include "openssl.h"

namespace crypto {
namespace {

constexpr std::size_t kMaxCertificate = std::size_t{64} * 1024;
constexpr std::size_t kMaxBundle = std::size_t{1} << 20;
constexpr std::size_t kMaxChain = 64;
/// Certificates between leaf and root; every hierarchy we know has at most two.
constexpr int kMaxIntermediates = 8;
/// OpenSSL's levels: 2 means 112 bits, which SHA-1 and RSA below 2048 bits do not reach.
constexpr int kSecurityLevel = 2;

using Object = std::unique_ptr<ASN1_OBJECT, openssl::Deleter<ASN1_OBJECT_free>>;
using Store = std::unique_ptr<X509_STORE, openssl::Deleter<X509_STORE_free>>;
using StoreCtx = std::unique_ptr<X509_STORE_CTX, openssl::Deleter<X509_STORE_CTX_free>>;
/// Holds borrowed certificates.
struct FreeStack {
    void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
using CertificateStack = std::unique_ptr<STACK_OF(X509), FreeStack>;

base::Fail invalid(std::string detail) {
    return openssl::failed(base::ErrorCode::certificate_invalid, std::move(detail));
}

std::shared_ptr<X509> share(X509* certificate) {
    return {certificate, [](X509* owned) { X509_free(owned); }};
}

base::Result<base::TimePoint> time_point(const ASN1_TIME* time) {
    std::tm fields{};
    if (ASN1_TIME_to_tm(time, &fields) != 1) return invalid("a date that is none");
    const std::chrono::year_month_day day{std::chrono::year(fields.tm_year + 1900),
                                          std::chrono::month(static_cast<unsigned>(fields.tm_mon) + 1),
                                          std::chrono::day(static_cast<unsigned>(fields.tm_mday))};
    return base::TimePoint(std::chrono::sys_days(day)) + std::chrono::hours(fields.tm_hour) +
           std::chrono::minutes(fields.tm_min) + std::chrono::seconds(fields.tm_sec);
}

std::string contents(BIO* bio) {
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    return {text, static_cast<std::size_t>(size)};
}

std::string name_text(const X509_NAME* name) {
    const openssl::Bio bio(openssl::required(BIO_new(BIO_s_mem())));
    openssl::require(X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) >= 0);
    return contents(bio.get());
}

base::Bytes der_of(const X509* certificate) {
    std::uint8_t* raw = nullptr;
    const int size = i2d_X509(certificate, &raw);
    openssl::require(size > 0);
    base::Bytes out(raw, raw + size);
    OPENSSL_free(raw);
    return out;
}

}  // namespace

base::Result<Certificate> Certificate::adopt(std::shared_ptr<X509> certificate) {
    TRY_ASSIGN(const base::TimePoint not_before, time_point(X509_get0_notBefore(certificate.get())));
    TRY_ASSIGN(const base::TimePoint not_after, time_point(X509_get0_notAfter(certificate.get())));
    return Certificate(std::move(certificate), not_before, not_after);
}

base::Result<Certificate> Certificate::from_der(base::ByteView der) {
    if (der.size() > kMaxCertificate) return invalid("a certificate of more than 64 KiB");
    const std::uint8_t* end = der.data();
    X509* certificate = d2i_X509(nullptr, &end, static_cast<long>(der.size()));
    if (certificate == nullptr) return invalid("not a certificate");
    auto owned = share(certificate);
    if (end != der.data() + der.size()) return invalid("bytes behind the certificate");
    return adopt(std::move(owned));
}

base::Result<Certificate> Certificate::from_pem(std::string_view pem) {
    TRY_ASSIGN(const std::vector<Certificate> chain, chain_from_pem(pem));
    return chain.front();
}

base::Result<std::vector<Certificate>> Certificate::chain_from_pem(std::string_view pem) {
    if (pem.size() > kMaxBundle) return base::Fail(base::ErrorCode::input_too_large, "certificates of more than 1 MiB");
    const openssl::Bio bio(openssl::required(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))));
    struct FreeInfos {
        void operator()(STACK_OF(X509_INFO) * infos) const { sk_X509_INFO_pop_free(infos, X509_INFO_free); }
    };
    const std::unique_ptr<STACK_OF(X509_INFO), FreeInfos> infos(
        PEM_X509_INFO_read_bio(bio.get(), nullptr, [](char*, int, int, void*) { return -1; }, nullptr));
    if (infos == nullptr) return invalid("a PEM block is damaged");
    const int count = sk_X509_INFO_num(infos.get());
    if (count == 0) return invalid("no PEM block CERTIFICATE");
    if (static_cast<std::size_t>(count) > kMaxChain) return invalid("more than 64 certificates");
    std::vector<Certificate> chain;
    for (int i = 0; i < count; ++i) {
        const X509_INFO* info = sk_X509_INFO_value(infos.get(), i);
        if (info->x509 == nullptr || info->crl != nullptr || info->x_pkey != nullptr) {
            return invalid("a private key or a revocation list among the certificates");
        }
        // Through DER, so that OpenSSL's trust settings ("TRUSTED CERTIFICATE") stay behind.
        TRY_ASSIGN(Certificate certificate, from_der(der_of(info->x509)));
        chain.push_back(std::move(certificate));
    }
    return chain;
}

base::Bytes Certificate::to_der() const {
    return der_of(certificate_.get());
}

std::string Certificate::to_pem() const {
    const openssl::Bio bio(openssl::required(BIO_new(BIO_s_mem())));
    openssl::require(PEM_write_bio_X509(bio.get(), certificate_.get()) == 1);
    return contents(bio.get());
}

base::Result<PublicKey> Certificate::public_key() const {
    EVP_PKEY* key = X509_get_pubkey(certificate_.get());
    if (key == nullptr) return openssl::bad_input("the certificate's public key is malformed");
    return PublicKey::adopt({key, [](EVP_PKEY* owned) { EVP_PKEY_free(owned); }});
}

std::string Certificate::subject() const {
    return name_text(X509_get_subject_name(certificate_.get()));
}

std::string Certificate::issuer() const {
    return name_text(X509_get_issuer_name(certificate_.get()));
}

std::optional<base::Bytes> Certificate::extension(std::string_view oid) const {
    const Object object(OBJ_txt2obj(std::string(oid).c_str(), 1));
    if (object == nullptr) {
        ERR_clear_error();
        return std::nullopt;
    }
    const int index = X509_get_ext_by_OBJ(certificate_.get(), object.get(), -1);
    if (index < 0 || X509_get_ext_by_OBJ(certificate_.get(), object.get(), index) >= 0) return std::nullopt;
    const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(X509_get_ext(certificate_.get(), index));
    const std::uint8_t* data = ASN1_STRING_get0_data(value);
    return base::Bytes(data, data + ASN1_STRING_length(value));
}

bool operator==(const Certificate& a, const Certificate& b) {
    return a.to_der() == b.to_der();
}

base::Status verify_chain(const Certificate& leaf, std::span<const Certificate> intermediates,
                          std::span<const Certificate> roots, base::TimePoint at) {
    const Store store(openssl::required(X509_STORE_new()));
    for (const Certificate& root : roots) openssl::require(X509_STORE_add_cert(store.get(), root.x509()) == 1);
    const CertificateStack untrusted(openssl::required(sk_X509_new_null()));
    for (const Certificate& certificate : intermediates) {
        openssl::require(sk_X509_push(untrusted.get(), certificate.x509()) > 0);
    }
    const StoreCtx ctx(openssl::required(X509_STORE_CTX_new()));
    openssl::require(X509_STORE_CTX_init(ctx.get(), store.get(), leaf.x509(), untrusted.get()) == 1);
    X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(ctx.get());
    X509_VERIFY_PARAM_set_time(parameters, std::chrono::system_clock::to_time_t(at));
    X509_VERIFY_PARAM_set_depth(parameters, kMaxIntermediates);
    X509_VERIFY_PARAM_set_auth_level(parameters, kSecurityLevel);
    if (X509_verify_cert(ctx.get()) != 1) {
        const X509* where = X509_STORE_CTX_get_current_cert(ctx.get());
        return invalid(fmt::format("{} ({})", X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx.get())),
                                   where == nullptr ? leaf.subject() : name_text(X509_get_subject_name(where))));
    }
    // [RFC5280 §6.1.4 (k)(n)] OpenSSL also takes CAs of X.509 v1 and such as say so in keyUsage alone; here an issuer
    // must say CA:TRUE. A leaf that is itself a root is not an issuer.
    const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(ctx.get());
    for (int i = 1; i < sk_X509_num(chain); ++i) {
        X509* issuer = sk_X509_value(chain, i);
        const bool may_sign = (X509_get_extension_flags(issuer) & EXFLAG_CA) != 0 &&
                              (X509_get_extension_flags(issuer) & EXFLAG_KUSAGE) != 0 &&
                              (X509_get_key_usage(issuer) & KU_KEY_CERT_SIGN) != 0;
        if (!may_sign) {
            return invalid(
                fmt::format("an issuer that may not sign certificates ({})", name_text(X509_get_subject_name(issuer))));
        }
    }
    return {};
}

}  // namespace crypto
