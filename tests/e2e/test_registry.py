# SPDX-License-Identifier: Apache-2.0
"""Eight layers, six at a time, from a registry: what a node does when it pulls an image."""

import pytest

import oci
from node import decrypt, encrypt


@pytest.fixture(scope="module")
def large_image(tmp_path_factory):
    return oci.build_image(tmp_path_factory.mktemp("large") / "plain", layers=8)


@pytest.fixture
def pushed(publisher, registry, large_image, tmp_path):
    """The image, encrypted and pushed; returns skopeo's name for it in the registry."""
    ran, encrypted = encrypt(publisher.by_command(), large_image, tmp_path / "encrypted", keyid="kbs:///demo/kek/large")
    assert ran.ok, ran
    assert encrypted.encrypted_layers() == [True] * 8
    name = registry.reference("app:encrypted")
    ran = publisher.by_command().copy("--dest-tls-verify=false", encrypted.reference, name)
    assert ran.ok, ran
    return name


@pytest.mark.parametrize("by", ["command", "grpc"])
def test_one_attestation_serves_the_whole_image(by, pushed, node, broker, large_image, tmp_path):
    node.serve()
    tool = node.by_grpc() if by == "grpc" else node.by_command()
    before = broker.attestations()
    ran, opened = decrypt(tool, pushed, tmp_path / "opened", "--src-tls-verify=false", "--image-parallel-copies=6")
    assert ran.ok, ran
    assert opened.blob_digests() == large_image.blob_digests()
    assert broker.attestations() - before == 1

    # The session still stands: the next image costs none.
    ran, again = decrypt(tool, pushed, tmp_path / "again", "--src-tls-verify=false", "--image-parallel-copies=6")
    assert ran.ok, ran
    assert again.blob_digests() == large_image.blob_digests()
    assert broker.attestations() - before == 1


def test_six_processes_at_once_share_the_tpm_without_a_serve(pushed, node, large_image, tmp_path):
    ran, opened = decrypt(node.by_command("--no-serve"), pushed, tmp_path / "opened",
                          "--src-tls-verify=false", "--image-parallel-copies=6")
    assert ran.ok, ran
    assert opened.blob_digests() == large_image.blob_digests()
