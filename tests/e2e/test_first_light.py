# SPDX-License-Identifier: Apache-2.0
"""The main job: an encrypted image opens only on a machine whose TPM the broker has verified."""

import re

import pytest

from broker import allow_tpm
from node import decrypt, encrypt
from skopeo import refused


def test_an_image_opens_only_after_the_broker_has_verified_the_tpm(new_broker, new_tpm, new_node, image, tmp_path):
    broker, tpm = new_broker(), new_tpm()
    broker.set_policy("measured", allow_tpm(pcr23=tpm.pcr(23)))
    publisher = new_node("publisher", broker, publish__key_file=str(broker.publisher_key))
    node = new_node("node", broker, tpm)

    # The publisher encrypts. The key is born, registered in the broker and read back on the way.
    wrapped, encrypted = encrypt(publisher.by_command(), image, tmp_path / "encrypted",
                                 keyid="kbs:///demo/kek/app", policy="measured")
    assert wrapped.ok, wrapped
    assert encrypted.encrypted_layers() == [True, True, True]
    assert "kbs:///demo/kek/app" in broker.admin("key", "list").out

    # The node is not known yet.
    ran, _ = decrypt(node.by_command(), encrypted, tmp_path / "before-enrolment")
    refused(ran, "ak-not-enrolled", re.compile("the TPM's attestation key is not enrolled in the key broker: .*"))

    # It is known, but something else was started on it than the policy expects.
    broker.enroll("node-1", node.ak_pem())
    tpm.extend(23, "11" * 32)
    ran, _ = decrypt(node.by_command(), encrypted, tmp_path / "changed-pcr")
    refused(ran, "policy-denied", f"kbs:///demo/kek/app; tpm.pcr23 is {tpm.pcr(23)}")

    # Rebooted into the expected state, it may read: every blob is what it was before the encryption.
    tpm.reboot()
    ran, opened = decrypt(node.by_command(), encrypted, tmp_path / "opened")
    assert ran.ok, ran
    assert opened.encrypted_layers() == [False, False, False]
    assert opened.blob_digests() == image.blob_digests()


@pytest.mark.parametrize("by", ["command", "grpc"])
def test_skopeo_encrypts_and_decrypts(by, publisher, node, image, tmp_path):
    if by == "grpc":
        publisher.serve()
        node.serve()
        encrypting, decrypting = publisher.by_grpc(), node.by_grpc()
    else:
        encrypting, decrypting = publisher.by_command(), node.by_command()

    ran, encrypted = encrypt(encrypting, image, tmp_path / "encrypted", keyid=f"kbs:///demo/kek/{by}")
    assert ran.ok, ran
    ran, opened = decrypt(decrypting, encrypted, tmp_path / "opened")
    assert ran.ok, ran
    assert opened.blob_digests() == image.blob_digests()


def test_a_second_image_under_the_same_key_needs_no_new_key(publisher, node, broker, image, tmp_path):
    for name in ("first", "second"):
        ran, encrypted = encrypt(publisher.by_command(), image, tmp_path / name, keyid="kbs:///demo/kek/shared")
        assert ran.ok, ran
        ran, opened = decrypt(node.by_command(), encrypted, tmp_path / f"{name}-opened")
        assert ran.ok, ran
        assert opened.blob_digests() == image.blob_digests()
    assert broker.admin("key", "list").out.count("kbs:///demo/kek/shared") == 1


def test_a_kek_from_a_file_is_registered_and_opens_the_image(publisher, node, image, tmp_path):
    kek = tmp_path / "kek"
    kek.write_bytes(bytes(range(32)))
    ran, encrypted = encrypt(publisher.by_command(), image, tmp_path / "encrypted",
                             keyid="kbs:///demo/kek/from-file", keypath=kek)
    assert ran.ok, ran
    ran, opened = decrypt(node.by_command(), encrypted, tmp_path / "opened")
    assert ran.ok, ran
    assert opened.blob_digests() == image.blob_digests()


def test_command_mode_uses_the_running_serve(publisher, node, broker, image, tmp_path):
    ran, encrypted = encrypt(publisher.by_command(), image, tmp_path / "encrypted", keyid="kbs:///demo/kek/forwarded")
    assert ran.ok, ran
    node.serve()
    before = broker.attestations()
    for attempt in range(3):
        ran, opened = decrypt(node.by_command(), encrypted, tmp_path / f"opened-{attempt}")
        assert ran.ok, ran
        assert opened.blob_digests() == image.blob_digests()
    # Nine layers, nine processes, one session.
    assert broker.attestations() - before == 1


def test_killing_the_broker_loses_no_key_it_has_acknowledged(new_broker, new_node, tpm, image, tmp_path):
    broker = new_broker()
    node = new_node("node", broker, tpm)
    broker.enroll("node-1", node.ak_pem())
    publisher = new_node("publisher", broker, publish__key_file=str(broker.publisher_key), publish__policy="any-tpm")
    ran, encrypted = encrypt(publisher.by_command(), image, tmp_path / "encrypted", keyid="kbs:///demo/kek/durable")
    assert ran.ok, ran
    broker.daemon.kill()
    broker.start()
    ran, opened = decrypt(node.by_command(), encrypted, tmp_path / "opened")
    assert ran.ok, ran
    assert opened.blob_digests() == image.blob_digests()
