// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>

namespace kbs {

/// The program: verbs, flags and what they print (ocicrypt-kbs(1)). `default_config` is used where no --config is
/// given; empty: none. Errors go to `err` as "ocicrypt-kbs: error: CODE: WHAT" and "ocicrypt-kbs: hint: REMEDY".
/// Returns the exit status: 0, 1 for an error or a policy that denies, 2 for a command line that is not understood.
int run_cli(int argc, char** argv, const char* default_config, std::ostream& out, std::ostream& err);

}  // namespace kbs
