// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over the files of its corpus, so that every past finding stays a test in ordinary builds.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    std::size_t inputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
        const std::vector<std::uint8_t> data(bytes.begin(), bytes.end());
        LLVMFuzzerTestOneInput(data.data(), data.size());
        ++inputs;
    }
    // An empty corpus would be a test that cannot fail.
    if (inputs == 0) {
        std::fprintf(stderr, "corpus %s is empty\n", argv[1]);
        return 1;
    }
    std::printf("[doctest] test cases: %zu | %zu passed | 0 failed | 0 skipped\n", inputs, inputs);
    return 0;
}
