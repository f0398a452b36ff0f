// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/json.h"

namespace {

struct Pipe {
    base::UniqueFd reader;
    base::UniqueFd writer;
    Pipe() {
        int ends[2];
        REQUIRE(pipe(ends) == 0);
        reader = base::UniqueFd(ends[0]);
        writer = base::UniqueFd(ends[1]);
    }
    std::string text() {
        writer.reset();
        return std::string(base::read_to_end(reader.get(), 1 << 20)->text());
    }
};

}  // namespace

TEST_CASE("an event is one line, whatever its values hold") {
    Pipe pipe;
    base::Log log(pipe.writer.get(), base::LogLevel::info, base::LogFormat::logfmt);
    log.info("attest", {{"tee", "tpm"}, {"detail", "two words\nlevel=forged"}, {"empty", ""}});
    const std::string text = pipe.text();
    CHECK(std::ranges::count(text, '\n') == 1);
    CHECK(text.find(" level=info event=attest tee=tpm detail=\"two words?level=forged\" empty=\"\"\n") !=
          std::string::npos);
}

TEST_CASE("JSON lines parse") {
    Pipe pipe;
    base::Log log(pipe.writer.get(), base::LogLevel::debug, base::LogFormat::json);
    log.error("x", {{"quote", "\"\\"}});
    const auto value = base::json::parse(pipe.text(), {.max_bytes = 1000});
    REQUIRE(value);
    CHECK(*value->string_at("quote") == "\"\\");
    CHECK(*value->string_at("level") == "error");
}

TEST_CASE("levels below the threshold are left out") {
    Pipe pipe;
    base::Log log(pipe.writer.get(), base::LogLevel::warning, base::LogFormat::logfmt);
    log.debug("a");
    log.info("b");
    log.warning("c");
    CHECK(pipe.text().find("event=c") != std::string::npos);
}

TEST_CASE("lines of several threads do not mix") {
    Pipe pipe;
    base::Log log(pipe.writer.get(), base::LogLevel::info, base::LogFormat::json);
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&log] {
            for (int k = 0; k < 20; ++k) log.info("event", {{"text", std::string(100, 'x')}});
        });
    }
    threads.clear();
    const std::string text = pipe.text();
    std::size_t start = 0;
    int lines = 0;
    while (start < text.size()) {
        const std::size_t end = text.find('\n', start);
        CHECK(base::json::parse(text.substr(start, end - start), {.max_bytes = 1000}));
        start = end + 1;
        ++lines;
    }
    CHECK(lines == 80);
}
