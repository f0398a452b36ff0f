// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <iostream>

#include "base/secret_bytes.h"
#include "kbs/cli.h"

int main(int argc, char** argv) {
    base::forbid_core_files();
    return kbs::run_cli(argc, argv, std::getenv("OCICRYPT_KBS_CONFIG"), std::cout, std::cerr);
}
