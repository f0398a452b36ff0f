// SPDX-License-Identifier: Apache-2.0
#include "kbs/init.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "crypto/key.h"
#include "crypto/x509_issue.h"
#include "kbs/store.h"

namespace kbs {

using base::ByteView;
using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;

namespace {

/// Nothing renews these by itself yet, and a broker that stops on a day nobody remembers loses images.
constexpr std::chrono::days validity{3650};

constexpr std::string_view config_text = R"(# Configuration of ocicrypt-kbs. Relative paths are relative to this file.

[server]
listen = ["{}"]
certificate = "server.pem"
private_key = "server.key"

[store]
path = "kbs.sqlite"
# Whoever has this file and the store has every key: keep copies of both, apart from each other.
master_key = "master.key"

[token]
signing_key = "token.key"
certificate = "token.pem"

[session]
# Replicas share this key.
sealing_key = "sealing.key"

[[admin]]
name = "admin"
public_key = "admin.pub"
roles = ["admin", "publisher"]

[[admin]]
name = "publisher"
public_key = "publisher.pub"
roles = ["publisher"]

[attestation]
tpm = true
)";

/// Writes files that must not exist yet, and takes them away again unless everything worked.
class FileSet {
  public:
    explicit FileSet(std::filesystem::path directory) : directory_(std::move(directory)) {}
    FileSet(const FileSet&) = delete;
    FileSet& operator=(const FileSet&) = delete;
    ~FileSet() {
        std::error_code ignored;
        for (const auto& path : written_) std::filesystem::remove(path, ignored);
    }
    Status write(std::string_view name, ByteView content) {
        const auto path = directory_ / name;
        TRY(base::create_file(path, content, 0600));
        written_.push_back(path);
        return {};
    }
    Status write_store(std::string_view name, const MasterKey& master_key) {
        const auto path = directory_ / name;
        if (std::filesystem::exists(path))
            return Fail(ErrorCode::file_unwritable, fmt::format("{} exists already", path.string()));
        for (const std::string_view suffix : {"", "-wal", "-shm"})
            written_.push_back(path.string() + std::string(suffix));
        return Store::create(path, master_key);
    }
    void keep() { written_.clear(); }

  private:
    std::filesystem::path directory_;
    std::vector<std::filesystem::path> written_;
};

/// The host of "127.0.0.1:8080" or "[::1]:8080", unless it stands for every address.
std::string host_of(std::string_view listen) {
    std::string_view host = listen.substr(0, listen.rfind(':'));
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return host == "0.0.0.0" || host == "::" ? std::string() : std::string(host);
}

std::vector<std::string> certificate_names(const InitOptions& options) {
    std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};
    std::vector<std::string> more = options.names;
    more.push_back(host_of(options.listen));
    for (const std::string& name : more)
        if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
    return names;
}

Result<crypto::PrivateKey> write_key_pair(FileSet& files, std::string_view name, crypto::KeyType type) {
    TRY_ASSIGN(auto key, crypto::PrivateKey::generate(type));
    TRY(files.write(fmt::format("{}.key", name), key.to_pem().view()));
    return key;
}

Status write_administrator(FileSet& files, std::string_view name) {
    TRY_ASSIGN(const auto key, write_key_pair(files, name, crypto::KeyType::ed25519));
    return files.write(fmt::format("{}.pub", name), base::as_bytes(key.public_key().to_pem()));
}

Result<base::SecretBytes> write_secret(FileSet& files, std::string_view name, const Random& random) {
    base::SecretBytes key(32);
    random(key.mutable_view());
    TRY(files.write(name, key.view()));
    return key;
}

Status write_certificates(FileSet& files, const InitOptions& options, base::TimePoint now) {
    using crypto::KeyType;
    // A minute back: the clocks of the nodes are not ours.
    const crypto::Validity valid{now - std::chrono::minutes(1), now + validity};
    TRY_ASSIGN(const auto ca_key, write_key_pair(files, "ca", KeyType::ec_p256));
    TRY_ASSIGN(const auto ca, crypto::issue_ca("ocicrypt-kbs CA", ca_key, valid));
    TRY(files.write("ca.pem", base::as_bytes(ca.to_pem())));

    TRY_ASSIGN(const auto server_key, write_key_pair(files, "server", KeyType::ec_p256));
    const auto names = certificate_names(options);
    const auto server = crypto::issue_server_certificate(ca, ca_key, server_key.public_key(), names, valid);
    if (!server) return Fail(server.error().as(ErrorCode::parameter_invalid).with_remedy("check --name and --listen"));
    TRY(files.write("server.pem", base::as_bytes(server->to_pem())));

    TRY_ASSIGN(const auto token_key, write_key_pair(files, "token", KeyType::ec_p256));
    TRY_ASSIGN(const auto token, crypto::issue_signing_certificate(ca, ca_key, token_key.public_key(),
                                                                   "ocicrypt-kbs token signer", valid));
    return files.write("token.pem", base::as_bytes(token.to_pem()));
}

Status make_directory(const std::filesystem::path& directory) {
    std::error_code error;
    if (directory.has_parent_path()) std::filesystem::create_directories(directory.parent_path(), error);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
        return Fail(ErrorCode::file_unwritable,
                    fmt::format("cannot create {}: {}", directory.string(), std::strerror(errno)));
    return {};
}

}  // namespace

Status init(const std::filesystem::path& directory, const InitOptions& options, base::TimePoint now,
            const Random& random) {
    // The text goes into TOML between quotes.
    if (options.listen.find_first_of("\"\\\n") != std::string::npos || options.listen.rfind(':') == std::string::npos)
        return Fail(base::Error(ErrorCode::parameter_invalid, "--listen is ADDRESS:PORT")
                        .with_remedy("for example --listen 127.0.0.1:8080"));
    TRY(make_directory(directory));
    if (std::filesystem::exists(directory / "kbs.toml"))
        return Fail(
            base::Error(ErrorCode::file_unwritable, fmt::format("{} exists already", (directory / "kbs.toml").string()))
                .with_remedy("this broker has been set up; choose another directory for a new one"));
    FileSet files(directory);
    TRY(write_certificates(files, options, now));
    TRY(write_administrator(files, "admin"));
    TRY(write_administrator(files, "publisher"));
    TRY(write_secret(files, "sealing.key", random));
    TRY_ASSIGN(const auto master, write_secret(files, "master.key", random));
    TRY_ASSIGN(const auto master_key, MasterKey::create(master.view()));
    TRY(files.write_store("kbs.sqlite", master_key));
    TRY(files.write("kbs.toml", base::as_bytes(fmt::format(fmt::runtime(config_text), options.listen))));
    files.keep();
    return {};
}

}  // namespace kbs
