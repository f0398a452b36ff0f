# SPDX-License-Identifier: Apache-2.0
"""The recipes of examples/ work as they stand; the environment replaces only addresses."""

import json
import os
import shutil

import pytest

import oci
import processes
import skopeo

EXAMPLES = oci.SOURCE / "examples"


@pytest.fixture
def recipes(programs, new_broker, new_tpm, tmp_path):
    """A broker set up as examples/README.md says, and the environment that leads the recipes to it."""
    broker, tpm = new_broker(), new_tpm()
    broker.admin("policy", "set", "measured", EXAMPLES / "skopeo" / "policy.json")
    folder = shutil.copytree(EXAMPLES, tmp_path / "examples")
    shutil.copy(broker.ca, folder / "skopeo" / "ca.pem")
    shutil.copy(broker.publisher_key, folder / "skopeo" / "publisher.key")
    env = {
        "PATH": f"{skopeo.wrapper().parent}:{programs.keyprovider.parent}:{os.environ['PATH']}",
        "KEYPROVIDER_KBS_URL": broker.url,
        "KEYPROVIDER_ATTESTER_TPM_TCTI": tpm.tcti,
    }

    def run(name, *arguments, **more):
        return processes.run([folder / name, *arguments], env={**env, **more}, timeout=120)

    pem = processes.succeed(["ocicrypt-keyprovider", "tpm", "ak", "--pem", "--config", folder / "skopeo" / "node.toml"],
                            env=env, executable=programs.keyprovider)
    broker.enroll("node-1", pem.out)
    return run


def test_the_skopeo_recipe_encrypts_and_decrypts(recipes, image, tmp_path):
    encrypted, opened = oci.Image(tmp_path / "encrypted"), oci.Image(tmp_path / "opened")
    ran = recipes("skopeo/encrypt", image.reference, encrypted.reference, "kbs:///team/kek/app")
    assert ran.ok, ran
    assert encrypted.encrypted_layers() == [True, True, True]
    ran = recipes("skopeo/decrypt", encrypted.reference, opened.reference)
    assert ran.ok, ran
    assert opened.blob_digests() == image.blob_digests()


@pytest.mark.skipif(os.geteuid() != 0, reason="buildah without root needs subordinate user ids")
def test_the_buildah_recipe_builds_an_encrypted_image_that_opens(recipes, tmp_path):
    storage = tmp_path / "storage.conf"
    storage.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/graph"\nrunroot = "{tmp_path}/run"\n')
    encrypted, opened = oci.Image(tmp_path / "encrypted"), oci.Image(tmp_path / "opened")
    ran = recipes("buildah/build-and-encrypt", encrypted.reference, "kbs:///team/kek/built",
                  CONTAINERS_STORAGE_CONF=storage)
    assert ran.ok, ran
    assert encrypted.encrypted_layers() == [True]
    ran = recipes("skopeo/decrypt", encrypted.reference, opened.reference)
    assert ran.ok, ran
    assert opened.encrypted_layers() == [False]


@pytest.mark.parametrize("name", ["providers.json", "providers-service.json"])
def test_the_provider_files_are_what_ocicrypt_reads(name):
    providers = json.loads((EXAMPLES / "skopeo" / name).read_text())["key-providers"]
    assert list(providers) == ["attestation-agent"]
    assert providers["attestation-agent"].keys() <= {"cmd", "grpc"}
