// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "kbs/store.h"
#include "kbs_protocol/unwrap.h"

namespace kbs {

/// "2026-01-31T12:00:00Z" [RFC 3339]
std::string rfc3339(base::TimePoint time);

/// What the HTTP API and the command line say of a key.
kbs_protocol::KeyMetadata key_metadata(const KeyInfo& key);

}  // namespace kbs
