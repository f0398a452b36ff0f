// SPDX-License-Identifier: Apache-2.0
#include "keyprovider/provider.h"

#include <algorithm>
#include <utility>

#include "base/fd.h"
#include "kbs_protocol/kek.h"
#include "kbs_protocol/packet.h"
#include "keyprovider/broker.h"
#include "keyprovider/wrap_parameters.h"
#include "ocicrypt/keyprovider_protocol.h"

namespace keyprovider {

namespace {

using base::Error;
using base::ErrorCode;
using base::Fail;
using base::Result;
using base::SecretBytes;
using base::Status;
using kbs_protocol::KeyMetadata;
using kbs_protocol::ResourceId;

// Large enough to see that a file is no key, small enough not to read a disk.
constexpr std::size_t max_key_file = 4096;

Result<SecretBytes> load_kek(const std::filesystem::path& path) {
    auto key = base::load_file(path, max_key_file);
    if (!key && key.error().code() == ErrorCode::input_too_large)
        return Fail(key.error().as(ErrorCode::key_file_invalid));
    if (!key) return Fail(key.error().as(ErrorCode::key_file_unreadable));
    if (key->size() == kbs_protocol::kek_size) return key;
    std::string detail = path.string() + " holds " + std::to_string(key->size()) + " bytes instead of 32";
    if (key->size() == kbs_protocol::kek_size + 1 && key->view().back() == '\n') detail += " (the last is a line end)";
    return Fail(ErrorCode::key_file_invalid, detail);
}

// The request does not say which of its key providers we are; nearly always there is only one.
Result<std::string> our_parameters(const ocicrypt::KeyWrapRequest& request, std::string_view our_name) {
    std::string names;
    for (const auto& provider : request.providers) names.append(names.empty() ? "" : ", ").append(provider.name);
    auto ours = request.providers.begin();
    if (!our_name.empty()) {
        ours = std::ranges::find(request.providers, our_name, &ocicrypt::ProviderParameters::name);
    } else if (request.providers.size() > 1) {
        return Fail(Error(ErrorCode::parameter_invalid, "the recipients name several key providers: " + names)
                        .with_remedy("say which of them this is: --provider NAME in \"args\", or [command] provider"));
    }
    if (ours == request.providers.end() || ours->values.empty())
        return Fail(ErrorCode::parameter_invalid,
                    "no recipient is for this key provider" + (names.empty() ? "" : ", only for " + names));
    if (ours->values.size() > 1)
        return Fail(Error(ErrorCode::parameter_invalid,
                          std::to_string(ours->values.size()) + " recipients are for this key provider")
                        .with_remedy("give one: a key provider returns one packet"));
    return ours->values.front();
}

// One request: the shared parts of the provider, and the id that everything done for it carries.
class Operation {
  public:
    Operation(const Config& config, Broker* broker, std::string_view request_id)
        : config_(config), broker_(broker), request_id_(request_id) {}

    Result<std::string> wrap(const ocicrypt::KeyWrapRequest& request) const {
        TRY_ASSIGN(const std::string text, our_parameters(request, config_.command.provider));
        TRY_ASSIGN(const WrapParameters parameters, parse_wrap_parameters(text));
        const base::ByteView options = request.layer_options.view();
        if (!parameters.key_path) return wrap_under_kept_key(parameters, options);
        TRY_ASSIGN(const SecretBytes kek, load_kek(*parameters.key_path));
        if (parameters.register_key) TRY(ensure_registered(parameters, kek));
        return seal(parameters.key_id, kek, options);
    }

    Result<SecretBytes> unwrap(const ocicrypt::KeyUnwrapRequest& request) const {
        const std::string_view text = base::as_text(request.annotation);
        TRY_ASSIGN(const auto packet, kbs_protocol::parse_packet(text));
        if (packet.wrap_type == kbs_protocol::WrapType::a256ctr && !config_.command.allow_legacy_unauthenticated)
            return Fail(ErrorCode::packet_unauthenticated);
        TRY(require_broker());
        TRY_ASSIGN(SecretBytes options, open(packet, text));
        // Only an unauthenticated packet can come to this: it opens to noise as readily as to a key.
        if (!ocicrypt::check_layer_options(options.view())) return Fail(ErrorCode::decryption_failed);
        return options;
    }

  private:
    Status require_broker() const {
        if (broker_ == nullptr) return Fail(ErrorCode::kbs_not_configured);
        return {};
    }

    Result<std::string> seal(const ResourceId& key_id, const SecretBytes& kek, base::ByteView options) const {
        TRY_ASSIGN(const auto packet, kbs_protocol::seal_packet(key_id, kek.view(), options));
        return kbs_protocol::serialize_packet(packet);
    }

    // In the broker where it can; here where it has no such operation (a Trustee), and for unauthenticated packets,
    // which no broker of ours opens.
    Result<SecretBytes> open(const kbs_protocol::AnnotationPacket& packet, std::string_view text) const {
        if (packet.wrap_type == kbs_protocol::WrapType::a256gcm) {
            auto options = broker_->unwrap(text, request_id_);
            if (options || options.error().code() != ErrorCode::path_unknown) return options;
        }
        TRY_ASSIGN(const SecretBytes kek, broker_->fetch_kek(packet.key_id, request_id_));
        return kbs_protocol::open_packet(packet, kek.view(),
                                         config_.command.allow_legacy_unauthenticated
                                             ? kbs_protocol::LegacyCtr::insecure_allow
                                             : kbs_protocol::LegacyCtr::refuse);
    }

    // No KEK is at hand: the broker keeps it. Layers are wrapped by processes that know nothing of each other, so the
    // first of them creates the key and all others have the broker wrap under it.
    Result<std::string> wrap_under_kept_key(const WrapParameters& parameters, base::ByteView options) const {
        TRY(require_broker());
        auto known = broker_->fetch_key(parameters.key_id, request_id_);
        if (!known && known.error().code() == ErrorCode::path_unknown)
            return Fail(
                Error(ErrorCode::registration_refused, "this broker cannot wrap under a key it keeps (a Trustee)")
                    .with_remedy("bring the key: keypath=FILE, and set [publish] readback = \"status-only\""));
        if (!known) return Fail(known.error());
        if (!*known) {
            const SecretBytes kek = kbs_protocol::generate_kek();
            TRY_ASSIGN(const auto registration, register_key(parameters, kek));
            if (registration == Broker::Registration::created) {
                TRY(read_back(parameters, kek, registration));
                return seal(parameters.key_id, kek, options);
            }
        } else {
            TRY(check_agreement(parameters, **known));
        }
        TRY_ASSIGN(std::string packet, broker_->wrap(parameters.key_id, options, request_id_));
        const auto parsed = kbs_protocol::parse_packet(packet);
        if (!parsed || parsed->key_id != parameters.key_id || parsed->wrap_type != kbs_protocol::WrapType::a256gcm)
            return Fail(ErrorCode::kbs_protocol,
                        "the packet that the broker made is not for " + parameters.key_id.uri());
        return packet;
    }

    // The packet leaves this process only after the broker has shown that it holds the very key: a reference
    // keyprovider that believed in success shipped images that nobody could ever open.
    Status ensure_registered(const WrapParameters& parameters, const SecretBytes& kek) const {
        TRY(require_broker());
        auto known = broker_->fetch_key(parameters.key_id, request_id_);
        if (!known && known.error().code() == ErrorCode::path_unknown) {
            if (config_.publish.readback == Readback::required)
                return Fail(
                    Error(ErrorCode::registration_refused, "this broker cannot show which key it holds (a Trustee)")
                        .with_remedy("if its HTTP status is enough, set [publish] readback = \"status-only\""));
            TRY(register_key(parameters, kek));
            return {};
        }
        if (!known) return Fail(known.error());
        if (*known) {
            TRY(check_same_key(parameters, **known, kek, Broker::Registration::existed));
            return check_agreement(parameters, **known);
        }
        TRY_ASSIGN(const auto registration, register_key(parameters, kek));
        return read_back(parameters, kek, registration);
    }

    Result<Broker::Registration> register_key(const WrapParameters& parameters, const SecretBytes& kek) const {
        return broker_->register_key(parameters.key_id, kek.view(), parameters.usage.value_or(config_.publish.usage),
                                     parameters.policy.value_or(config_.publish.policy), request_id_);
    }

    Status read_back(const WrapParameters& parameters, const SecretBytes& kek,
                     Broker::Registration registration) const {
        TRY_ASSIGN(const auto held, broker_->fetch_key(parameters.key_id, request_id_));
        if (!held)
            return Fail(ErrorCode::readback_mismatch, parameters.key_id.uri() + " is not there after its registration");
        return check_same_key(parameters, *held, kek, registration);
    }

    static Status check_same_key(const WrapParameters& parameters, const KeyMetadata& held, const SecretBytes& kek,
                                 Broker::Registration registration) {
        if (held.key_check_value == kbs_protocol::key_check_value(kek.view())) return {};
        return Fail(
            registration == Broker::Registration::created ? ErrorCode::readback_mismatch : ErrorCode::key_exists,
            "the broker holds another key as " + parameters.key_id.uri());
    }

    // What the publisher asked for by name must be true of a key that was there before, too.
    static Status check_agreement(const WrapParameters& parameters, const KeyMetadata& held) {
        if (parameters.usage && *parameters.usage != held.usage)
            return Fail(ErrorCode::key_exists, parameters.key_id.uri() + " exists with usage " +
                                                   std::string(kbs_protocol::key_usage_name(held.usage)));
        if (parameters.policy && *parameters.policy != held.policy)
            return Fail(ErrorCode::key_exists,
                        parameters.key_id.uri() + " exists with " +
                            (held.policy.empty() ? "no policy" : "policy \"" + held.policy + "\""));
        return {};
    }

    const Config& config_;
    Broker* broker_;
    std::string_view request_id_;
};

Result<base::WipingString> answer(const Operation& operation, base::ByteView text) {
    TRY_ASSIGN(const auto request, ocicrypt::parse_keyprovider_request(text));
    if (const auto* wrap = std::get_if<ocicrypt::KeyWrapRequest>(&request)) {
        TRY_ASSIGN(const std::string packet, operation.wrap(*wrap));
        return ocicrypt::serialize_keywrap_answer(base::as_bytes(packet));
    }
    TRY_ASSIGN(const SecretBytes options, operation.unwrap(std::get<ocicrypt::KeyUnwrapRequest>(request)));
    return ocicrypt::serialize_keyunwrap_answer(options.view());
}

}  // namespace

Provider::Provider(Config config, std::unique_ptr<Broker> broker)
    : config_(std::move(config)), broker_(std::move(broker)) {}

Provider::~Provider() = default;

Answer Provider::handle(base::ByteView request, std::string request_id) const {
    auto result = answer(Operation(config_, broker_.get(), request_id), request);
    if (!result) return std::unexpected(Failure{std::move(result).error(), std::move(request_id)});
    return std::move(*result);
}

}  // namespace keyprovider
