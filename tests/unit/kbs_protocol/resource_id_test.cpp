// SPDX-License-Identifier: Apache-2.0
#include "kbs_protocol/resource_id.h"

#include <doctest/doctest.h>

using kbs_protocol::ResourceId;

TEST_CASE("every spelling of a key id that peers write gives the same path and one uri") {
    for (const std::string_view text :
         {"kbs:///repo/key/1", "kbs://broker/repo/key/1", "kbs://broker.example:8080/repo/key/1", "KBS:///repo/key/1",
          "kbs+resource:///repo/key/1", "kbs://[::1]:8080/repo/key/1", "kbs://10.0.0.1/repo/key/1", "/repo/key/1",
          "broker/repo/key/1", "broker:8080/repo/key/1", "[fe80::1]/repo/key/1"}) {
        CAPTURE(text);
        const auto id = ResourceId::parse(text);
        REQUIRE(id);
        CHECK(id->path() == "repo/key/1");
        CHECK(id->uri() == "kbs:///repo/key/1");
        CHECK(*ResourceId::parse(id->uri()) == *id);
        CHECK(*ResourceId::from_path(id->path()) == *id);
    }
}

TEST_CASE("coco_keyprovider's own examples are read as it reads them") {
    CHECK(ResourceId::parse("kbs://a/b/c/d")->path() == "b/c/d");
    CHECK(ResourceId::parse("kbs:///b/c/d")->path() == "b/c/d");
    CHECK(ResourceId::parse("a/b/c/d")->path() == "b/c/d");
    CHECK(ResourceId::parse("/b/c/d")->path() == "b/c/d");
    CHECK(ResourceId::parse("/default/image-kek/3f0c9d34-18ab-4a5b-9d0e-5f3c0c7f2a11")->repository() == "default");
}

TEST_CASE("a segment has letters, digits, underscore, hyphen and inner dots") {
    const auto id = ResourceId::parse("kbs:///My_repo-1/a.b..c/v1.2");
    REQUIRE(id);
    CHECK(id->repository() == "My_repo-1");
    CHECK(id->type() == "a.b..c");
    CHECK(id->tag() == "v1.2");
    CHECK(ResourceId::from_path(std::string(128, 'a') + "/b/c"));
    CHECK(!ResourceId::from_path(std::string(129, 'a') + "/b/c"));
}

TEST_CASE("refuses a key id that is not exactly one resource of the broker") {
    for (const std::string_view text : {"",
                                        "/",
                                        "kbs://",
                                        "kbs:///",
                                        "kbs:///a",
                                        "kbs:///a/b",
                                        "kbs:///a/b/",
                                        "kbs:///a/b/c/",
                                        "kbs:///a/b/c/d",
                                        "kbs:////a/b/c",
                                        "kbs:///a//c",
                                        "a/b/c",
                                        "repo",
                                        "kbs:///../b/c",
                                        "kbs:///a/../c",
                                        "kbs:///a/b/..",
                                        "kbs:///.a/b/c",
                                        "kbs:///a/b/c?x=1",
                                        "kbs:///a/b/c#f",
                                        "kbs:///a/b/%2e",
                                        "kbs:///a/b/c d",
                                        "kbs:///a/b/c\n",
                                        "kbs://user@host/a/b/c",
                                        "kbs://ho st/a/b/c",
                                        "kbs://:80/a/b/c",
                                        "kbs://host:/a/b/c",
                                        "kbs://host:123456/a/b/c",
                                        "kbs://host:8o/a/b/c",
                                        "kbs://[::1/a/b/c",
                                        "kbs://[]/a/b/c",
                                        "kbs://[::1]x/a/b/c",
                                        "kbs+pkcs11:///a/b/c",
                                        "kbs+:///a/b/c",
                                        "https://host/a/b/c",
                                        "://a/b/c",
                                        "kbs:/a/b/c/d/e",
                                        "kbs:///a/b/\xc3\xa9"}) {
        CAPTURE(text);
        const auto id = ResourceId::parse(text);
        REQUIRE(!id);
        CHECK(id.error().code() == base::ErrorCode::parameter_invalid);
    }
}

TEST_CASE("a NUL inside a key id is refused and not printed") {
    const auto id = ResourceId::parse(std::string_view("kbs:///a/b/c\0d", 14));
    REQUIRE(!id);
    CHECK(id.error().message().find('\0') == std::string::npos);
}

TEST_CASE("a path of the broker has no leading slash and no scheme") {
    CHECK(ResourceId::from_path("a/b/c"));
    CHECK(!ResourceId::from_path("/a/b/c"));
    CHECK(!ResourceId::from_path("a/b"));
    CHECK(!ResourceId::from_path("a/b/c/"));
    CHECK(!ResourceId::from_path("kbs:///a/b/c"));
    CHECK(!ResourceId::from_path("a/b/."));
}
