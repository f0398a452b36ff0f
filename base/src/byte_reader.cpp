// SPDX-License-Identifier: Apache-2.0
#include "base/byte_reader.h"

#include <fmt/format.h>

namespace base {

template <typename T>
Result<T> ByteReader::integer(bool big_endian) {
    TRY_ASSIGN(const ByteView view, bytes(sizeof(T)));
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) value = value << 8 | view[big_endian ? i : sizeof(T) - 1 - i];
    return static_cast<T>(value);
}

Result<std::uint8_t> ByteReader::u8() {
    return integer<std::uint8_t>(true);
}
Result<std::uint16_t> ByteReader::be16() {
    return integer<std::uint16_t>(true);
}
Result<std::uint32_t> ByteReader::be32() {
    return integer<std::uint32_t>(true);
}
Result<std::uint64_t> ByteReader::be64() {
    return integer<std::uint64_t>(true);
}
Result<std::uint16_t> ByteReader::le16() {
    return integer<std::uint16_t>(false);
}
Result<std::uint32_t> ByteReader::le32() {
    return integer<std::uint32_t>(false);
}
Result<std::uint64_t> ByteReader::le64() {
    return integer<std::uint64_t>(false);
}

Result<ByteView> ByteReader::bytes(std::size_t count) {
    if (count > remaining()) {
        return Fail(code_,
                    fmt::format("{}: {} bytes wanted at offset {}, {} are left", what_, count, position_, remaining()));
    }
    const ByteView view = data_.subspan(position_, count);
    position_ += count;
    return view;
}

Result<ByteView> ByteReader::sized_be16() {
    const std::size_t start = position_;
    TRY_ASSIGN(const std::uint16_t size, be16());
    auto view = bytes(size);
    if (!view) position_ = start;
    return view;
}

ByteView ByteReader::rest() {
    const ByteView view = data_.subspan(position_);
    position_ = data_.size();
    return view;
}

Status ByteReader::expect_end() const {
    if (remaining() == 0) return {};
    return Fail(code_, fmt::format("{}: {} bytes too many after offset {}", what_, remaining(), position_));
}

}  // namespace base
