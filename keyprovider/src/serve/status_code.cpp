// SPDX-License-Identifier: Apache-2.0
#include "status_code.h"

#include <utility>

namespace keyprovider::serve {

StatusCode status_code(base::ErrorCode code) {
    using enum base::ErrorCode;
    // No default: a code added to the registry does not compile until it has its place here.
    switch (code) {
        case usage:
        case input_invalid:
        case json_invalid:
        case encoding_invalid:
        case parameter_invalid:
        case parameter_unknown:
        case packet_invalid:
        case packet_foreign:
        case crypto_input_invalid:
            return StatusCode::invalid_argument;
        case input_too_large:
        case response_too_large:
            return StatusCode::resource_exhausted;
        case config_unreadable:
        case config_invalid:
        case file_unreadable:
        case file_unwritable:
        case key_file_unreadable:
        case key_file_invalid:
        case key_invalid:
        case kbs_not_configured:
        case packet_unauthenticated:
        case attester_unavailable:
        case kbs_version:
        case path_unknown:
        case tls_untrusted:
        case kbs_untrusted:
        case certificate_invalid:
        case policy_missing:
        case policy_invalid:
        case store_locked:
            return StatusCode::failed_precondition;
        case net_unreachable:
        case net_failed:
        case kbs_unreachable:
        case overloaded:
        case store_failed:
            return StatusCode::unavailable;
        case net_timeout:
        case kbs_timeout:
        case deadline_exceeded:
            return StatusCode::deadline_exceeded;
        case session_missing:
        case session_expired:
        case session_invalid:
        case token_invalid:
            return StatusCode::unauthenticated;
        case kbs_refused:
        case admin_refused:
        case evidence_invalid:
        case evidence_refused:
        case evidence_stale:
        case evidence_unsupported:
        case ak_not_enrolled:
        case policy_denied:
        case key_not_exportable:
        case registration_refused:
        case signature_invalid:
        case decryption_failed:
            return StatusCode::permission_denied;
        case key_not_found:
            return StatusCode::not_found;
        case key_exists:
            return StatusCode::already_exists;
        case nonce_mismatch:
        case nonce_replayed:
        case readback_mismatch:
            return StatusCode::aborted;
        case kbs_protocol:
        case evidence_failed:
        case internal:
            return StatusCode::internal;
    }
    std::unreachable();
}

}  // namespace keyprovider::serve
