// SPDX-License-Identifier: Apache-2.0
#include "attestation/formats/spki.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace attestation::formats {
namespace {

using base::Bytes;
using base::ByteView;

constexpr std::uint8_t kInteger = 0x02;
constexpr std::uint8_t kBitString = 0x03;
constexpr std::uint8_t kSequence = 0x30;

// rsaEncryption with NULL; id-ecPublicKey with prime256v1
constexpr std::array<std::uint8_t, 13> kRsaAlgorithm{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
                                                     0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
constexpr std::array<std::uint8_t, 19> kP256Algorithm{0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                                      0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

/// One DER element of at most 65535 bytes.
Bytes element(std::uint8_t tag, std::initializer_list<ByteView> parts) {
    std::size_t size = 0;
    for (const ByteView part : parts) size += part.size();
    Bytes out{tag};
    if (size > 0xff) {
        out.insert(out.end(), {0x82, static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)});
    } else if (size > 0x7f) {
        out.insert(out.end(), {0x81, static_cast<std::uint8_t>(size)});
    } else {
        out.push_back(static_cast<std::uint8_t>(size));
    }
    for (const ByteView part : parts) out.insert(out.end(), part.begin(), part.end());
    return out;
}

Bytes integer(ByteView big_endian) {
    while (big_endian.size() > 1 && big_endian.front() == 0) big_endian = big_endian.subspan(1);
    constexpr std::array<std::uint8_t, 1> zero{0};
    const bool sign = !big_endian.empty() && (big_endian.front() & 0x80) != 0;
    return element(kInteger, {sign ? ByteView(zero) : ByteView(), big_endian});
}

Bytes key_info(ByteView algorithm, ByteView key) {
    constexpr std::array<std::uint8_t, 1> no_unused_bits{0};
    const Bytes identifier = element(kSequence, {algorithm});
    const Bytes bits = element(kBitString, {no_unused_bits, key});
    return element(kSequence, {identifier, bits});
}

}  // namespace

Bytes rsa_spki(ByteView modulus, std::uint32_t exponent) {
    const std::array<std::uint8_t, 4> exponent_bytes{
        static_cast<std::uint8_t>(exponent >> 24), static_cast<std::uint8_t>(exponent >> 16),
        static_cast<std::uint8_t>(exponent >> 8), static_cast<std::uint8_t>(exponent)};
    const Bytes n = integer(modulus);
    const Bytes e = integer(exponent_bytes);
    return key_info(kRsaAlgorithm, element(kSequence, {n, e}));
}

Bytes p256_spki(ByteView x, ByteView y) {
    constexpr std::size_t width = 32;
    Bytes point(1 + 2 * width);
    point[0] = 0x04;
    for (std::size_t i = 0; i < std::min(x.size(), width); ++i) point[width - i] = x[x.size() - 1 - i];
    for (std::size_t i = 0; i < std::min(y.size(), width); ++i) point[2 * width - i] = y[y.size() - 1 - i];
    return key_info(kP256Algorithm, point);
}

}  // namespace attestation::formats
