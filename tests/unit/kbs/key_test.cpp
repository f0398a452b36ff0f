// SPDX-License-Identifier: Apache-2.0
#include "broker_fixture.h"

using namespace kbs;

TEST_CASE("an administrator and a publisher see what a key is, and not the key") {
    TestBroker broker;
    broker.put_key();
    for (const auto& headers : {broker.as_admin(), broker.as_publisher()}) {
        const Answer answer = broker.send("GET", "/kbs/v0/key/demo/kek/app", {}, headers);
        CHECK(answer.status == 200);
        // The check value of 32 bytes 0x77, computed by Python's hmac.
        CHECK(answer.body == R"({"kid":"kbs:///demo/kek/app","usage":"unwrap-only","policy":"any-tpm",)"
                             R"("kcv":"25f194faba11c989","version":1,"created":"2027-01-15T08:00:00Z"})");
    }
}

TEST_CASE("a secret that is no KEK has no check value: it could be guessed by it") {
    TestBroker broker;
    REQUIRE(broker.store->put_key({kid(), base::as_bytes("password"), KeyUsage::exportable, {}}, Existing::refuse,
                                  broker.entry()));
    CHECK(broker.send("GET", "/kbs/v0/key/demo/kek/app", {}, broker.as_admin()).text("kcv").empty());
}

TEST_CASE("a key that is not there is 404 with a code, which no Trustee sends") {
    TestBroker broker;
    const Answer answer = broker.send("GET", "/kbs/v0/key/demo/kek/app", {}, broker.as_publisher());
    CHECK(answer.status == 404);
    CHECK(answer.code() == "key-not-found");
}

TEST_CASE("nodes and strangers learn nothing of keys") {
    TestBroker broker;
    broker.put_key();
    CHECK(broker.send("GET", "/kbs/v0/key/demo/kek/app", {}, broker.as_node()).code() == "admin-refused");
    CHECK(broker.send("GET", "/kbs/v0/key/demo/kek/app").code() == "admin-refused");
}
