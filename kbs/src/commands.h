// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "kbs/config.h"
#include "kbs/random.h"
#include "kbs/store.h"

namespace kbs {

/// What an administrator's verb works with: the store directly, also while `serve` runs.
struct CommandContext {
    Config config;
    std::unique_ptr<Store> store;
    std::ostream& out;
    bool json;
    base::TimePoint now;
    Random random;
};

struct KeyCreateOptions {
    std::string kid;
    std::string from_file;  ///< empty: a fresh KEK
    std::string usage;      ///< empty: unwrap-only
    std::string policy;     ///< empty: none
};

base::Status key_create(CommandContext& context, const KeyCreateOptions& options);
base::Status key_list(CommandContext& context);
base::Status key_show(CommandContext& context, const std::string& kid);
base::Status key_delete(CommandContext& context, const std::string& kid);
/// `policy` empty: takes the policy away, so that the key is no longer released.
base::Status key_set_policy(CommandContext& context, const std::string& kid, const std::string& policy);

base::Status policy_set(CommandContext& context, const std::string& name, const std::string& file);
base::Status policy_show(CommandContext& context, const std::string& name);
base::Status policy_list(CommandContext& context);
/// Whether a node with this evidence would be given a key of this policy, condition by condition.
base::Result<bool> policy_test(CommandContext& context, const std::string& name, const std::string& evidence_file);

base::Status ak_enroll(CommandContext& context, const std::string& name, const std::string& file);
base::Status ak_list(CommandContext& context);
base::Status ak_remove(CommandContext& context, const std::string& name);

}  // namespace kbs
