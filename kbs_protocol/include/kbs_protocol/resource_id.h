// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kbs_protocol {

/// The name of a secret in a key broker (coco-guest.md §0.3, §2.4). Always three segments, each 1 to 128 characters of
/// `[A-Za-z0-9_-][A-Za-z0-9_.-]*`: safe in a URL path and as a file name.
class ResourceId {
  public:
    /// Reads `kbs://[host[:port]]/r/t/g`, `kbs+resource://…` and what coco_keyprovider writes without a scheme:
    /// `/r/t/g` and `host[:port]/r/t/g`. A host is checked and dropped: whoever wrote the text does not choose the
    /// broker. Refuses other plug-ins, queries, fragments, user info and percent-encoding. Errors: parameter_invalid.
    static base::Result<ResourceId> parse(std::string_view text);
    /// Reads exactly `r/t/g`, as in a URL path of the broker. Errors: parameter_invalid.
    static base::Result<ResourceId> from_path(std::string_view path);

    [[nodiscard]] const std::string& repository() const { return repository_; }
    [[nodiscard]] const std::string& type() const { return type_; }
    [[nodiscard]] const std::string& tag() const { return tag_; }
    /// "r/t/g"
    [[nodiscard]] std::string path() const { return repository_ + '/' + type_ + '/' + tag_; }
    /// "kbs:///r/t/g", the only form that every peer reads.
    [[nodiscard]] std::string uri() const { return "kbs:///" + path(); }

    friend auto operator<=>(const ResourceId&, const ResourceId&) = default;

  private:
    ResourceId(std::string_view repository, std::string_view type, std::string_view tag)
        : repository_(repository), type_(type), tag_(tag) {}

    std::string repository_;
    std::string type_;
    std::string tag_;
};

}  // namespace kbs_protocol
