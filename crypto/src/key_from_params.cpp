// SPDX-License-Identifier: Apache-2.0
#include "key_from_params.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <vector>

#include "openssl.h"

namespace crypto {
namespace {

struct Free {
    void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
    void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
};

/// Collects parameters; the numbers live as long as the builder, and private ones in OpenSSL's secure form.
class Parameters {
  public:
    void number(const char* name, base::ByteView bytes, bool secret) {
        if (bytes.empty()) return;
        openssl::BigNum number(openssl::required(secret ? BN_secure_new() : BN_new()));
        openssl::required(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), number.get()));
        openssl::require(OSSL_PARAM_BLD_push_BN(builder_.get(), name, number.get()) == 1);
        numbers_.push_back(std::move(number));
    }
    void octets(const char* name, base::ByteView bytes) {
        openssl::require(OSSL_PARAM_BLD_push_octet_string(builder_.get(), name, bytes.data(), bytes.size()) == 1);
    }
    void text(const char* name, const char* value) {
        openssl::require(OSSL_PARAM_BLD_push_utf8_string(builder_.get(), name, value, 0) == 1);
    }
    base::Result<std::shared_ptr<EVP_PKEY>> key(const char* algorithm, bool with_private_half) {
        const std::unique_ptr<OSSL_PARAM, Free> parameters(openssl::required(OSSL_PARAM_BLD_to_param(builder_.get())));
        const openssl::PkeyCtx ctx(openssl::required(EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr)));
        EVP_PKEY* key = nullptr;
        if (EVP_PKEY_fromdata_init(ctx.get()) != 1 ||
            EVP_PKEY_fromdata(ctx.get(), &key, with_private_half ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                              parameters.get()) != 1) {
            return openssl::bad_input("the numbers make no key");
        }
        return std::shared_ptr<EVP_PKEY>(key, [](EVP_PKEY* owned) { EVP_PKEY_free(owned); });
    }

  private:
    std::unique_ptr<OSSL_PARAM_BLD, Free> builder_{openssl::required(OSSL_PARAM_BLD_new())};
    std::vector<openssl::BigNum> numbers_;
};

constexpr std::size_t kMaxRsaBytes = 1024;

}  // namespace

base::Result<std::shared_ptr<EVP_PKEY>> key_from_rsa(const RsaNumbers& numbers) {
    for (const base::ByteView number :
         {numbers.n, numbers.e, numbers.d, numbers.p, numbers.q, numbers.dp, numbers.dq, numbers.qi}) {
        if (number.size() > kMaxRsaBytes) return openssl::bad_input("an RSA key has 2048 to 8192 bits here");
    }
    if (numbers.n.empty() || numbers.e.empty()) return openssl::bad_input("an RSA key without modulus or exponent");
    Parameters parameters;
    parameters.number(OSSL_PKEY_PARAM_RSA_N, numbers.n, false);
    parameters.number(OSSL_PKEY_PARAM_RSA_E, numbers.e, false);
    parameters.number(OSSL_PKEY_PARAM_RSA_D, numbers.d, true);
    parameters.number(OSSL_PKEY_PARAM_RSA_FACTOR1, numbers.p, true);
    parameters.number(OSSL_PKEY_PARAM_RSA_FACTOR2, numbers.q, true);
    parameters.number(OSSL_PKEY_PARAM_RSA_EXPONENT1, numbers.dp, true);
    parameters.number(OSSL_PKEY_PARAM_RSA_EXPONENT2, numbers.dq, true);
    parameters.number(OSSL_PKEY_PARAM_RSA_COEFFICIENT1, numbers.qi, true);
    return parameters.key("RSA", !numbers.d.empty());
}

base::Result<std::shared_ptr<EVP_PKEY>> key_from_ec(KeyType curve, base::ByteView x, base::ByteView y,
                                                    base::ByteView private_scalar) {
    const std::size_t width = ec_coordinate_size(curve);
    if (width == 0) return openssl::bad_input("not a NIST curve");
    if (x.size() != width || y.size() != width || (!private_scalar.empty() && private_scalar.size() != width)) {
        return openssl::bad_input("a coordinate is not as wide as its curve");
    }
    base::Bytes point{4};  // uncompressed
    point.insert(point.end(), x.begin(), x.end());
    point.insert(point.end(), y.begin(), y.end());
    Parameters parameters;
    // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): the names are literals
    parameters.text(OSSL_PKEY_PARAM_GROUP_NAME, key_type_name(curve).data());
    parameters.octets(OSSL_PKEY_PARAM_PUB_KEY, point);
    parameters.number(OSSL_PKEY_PARAM_PRIV_KEY, private_scalar, true);
    return parameters.key("EC", !private_scalar.empty());
}

}  // namespace crypto
