// SPDX-License-Identifier: Apache-2.0
#include "base/byte_reader.h"

#include <doctest/doctest.h>

#include "base/byte_writer.h"

using base::ByteReader;
using base::Bytes;

TEST_CASE("reads integers in the byte order that is asked for") {
    const Bytes data{1, 2, 3, 4, 5, 6, 7, 8};
    CHECK(*ByteReader(data, "x").be16() == 0x0102);
    CHECK(*ByteReader(data, "x").be32() == 0x01020304);
    CHECK(*ByteReader(data, "x").be64() == 0x0102030405060708);
    CHECK(*ByteReader(data, "x").le16() == 0x0201);
    CHECK(*ByteReader(data, "x").le32() == 0x04030201);
    CHECK(*ByteReader(data, "x").le64() == 0x0807060504030201);
}

TEST_CASE("a read past the end is an error that names the structure and consumes nothing") {
    const Bytes data{1, 2, 3};
    ByteReader reader(data, "quote");
    const auto value = reader.be32();
    REQUIRE(!value);
    CHECK(value.error().detail().find("quote") != std::string::npos);
    CHECK(reader.position() == 0);
    CHECK(*reader.u8() == 1);
}

TEST_CASE("a length prefix larger than what follows is refused and not consumed") {
    const Bytes data{0, 5, 1, 2};
    ByteReader reader(data, "x");
    CHECK(!reader.sized_be16());
    CHECK(reader.position() == 0);
}

TEST_CASE("a count near the largest integer does not wrap around") {
    const Bytes data{1};
    ByteReader reader(data, "x");
    CHECK(*reader.u8() == 1);
    CHECK(!reader.bytes(static_cast<std::size_t>(-1)));
}

TEST_CASE("bytes left over are an error") {
    const Bytes data{1, 2};
    ByteReader reader(data, "x");
    CHECK(*reader.u8() == 1);
    CHECK(!reader.expect_end());
    CHECK(*reader.u8() == 2);
    CHECK(reader.expect_end());
}

TEST_CASE("what the writer writes the reader reads") {
    base::ByteWriter writer;
    writer.u8(7);
    writer.be32(0xdeadbeef);
    writer.le64(42);
    writer.sized_be16(base::as_bytes("hello"));
    ByteReader reader(writer.view(), "x");
    CHECK(*reader.u8() == 7);
    CHECK(*reader.be32() == 0xdeadbeef);
    CHECK(*reader.le64() == 42);
    CHECK(base::as_text(*reader.sized_be16()) == "hello");
    CHECK(reader.expect_end());
}
