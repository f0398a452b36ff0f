# SPDX-License-Identifier: Apache-2.0
"""Whatever goes wrong, skopeo's own output tells its user what, with a stable code and a remedy.

"missing private key needed for decryption" is all that ocicrypt itself says; `refused` fails where nothing of ours
stands beside it.
"""

import base64
import json
import re
import socket
import time

import pytest

import oci
import processes
from broker import allow_tpm, set_toml
from meddler import Meddler
from node import PROVIDER, Node, decrypt, encrypt
from skopeo import complaints, refused

NOT_ENROLLED = re.compile(r"the TPM's attestation key is not enrolled in the key broker: trust: attestation key is "
                          r"SHA-256 [0-9a-f]{24}\.\.\.")
REWRITE = oci.SOURCE / "tests" / "support" / "rewrite-request"


@pytest.fixture(scope="module")
def encrypted(programs, broker, image, tmp_path_factory):
    """One encrypted image for all the tests that only try to open it."""
    folder = tmp_path_factory.mktemp("encrypted")
    publisher = Node(programs.keyprovider, folder / "publisher", broker.url, broker.ca,
                     publish__key_file=str(broker.publisher_key), publish__policy="any-tpm")
    ran, made = encrypt(publisher.by_command(), image, folder / "image", keyid="kbs:///demo/kek/bad-input")
    assert ran.ok, ran
    return made


# --- the way to the broker ---------------------------------------------------------------------------------------

def test_the_broker_is_down(new_node, broker, tpm, encrypted, tmp_path):
    nobody = f"https://127.0.0.1:{processes.free_ports()}"
    ran, _ = decrypt(new_node("node", broker, tpm, url=nobody).by_command(), encrypted, tmp_path / "opened")
    refused(ran, "kbs-unreachable", re.compile(f"{nobody}: Failed to connect to 127.0.0.1 .*"))


def test_the_broker_is_down_while_encrypting(new_node, broker, image, tmp_path):
    nobody = f"https://127.0.0.1:{processes.free_ports()}"
    publisher = new_node("publisher", broker, url=nobody, publish__key_file=str(broker.publisher_key))
    ran, _ = encrypt(publisher.by_command(), image, tmp_path / "encrypted", keyid="kbs:///demo/kek/x")
    refused(ran, "kbs-unreachable", re.compile(f"{nobody}: Failed to connect to 127.0.0.1 .*"))


def test_the_broker_is_of_another_ca(new_broker, new_node, broker, tpm, encrypted, tmp_path):
    other = new_broker("other")
    node = new_node("node", broker, tpm, ca=other.ca)
    ran, _ = decrypt(node.by_command(), encrypted, tmp_path / "opened")
    refused(ran, "kbs-untrusted", f"{broker.url}: SSL certificate problem: unable to get local issuer certificate")


def test_the_broker_accepts_and_never_answers(new_node, broker, tpm, encrypted, tmp_path):
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:  # the kernel accepts, nobody reads
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        node = new_node("node", broker, tpm, url=url, kbs__timeout_seconds=1)
        ran, _ = decrypt(node.by_command(), encrypted, tmp_path / "opened")
    refused(ran, "kbs-timeout", re.compile(f"{url}: .*timed out after 1[0-9]{{3}} milliseconds.*"))


def test_a_challenge_that_is_answered_too_late_has_expired(new_broker, new_node, tpm, encrypted, tmp_path):
    slow_broker = new_broker("short", configure=lambda text: set_toml(text, "session", "lifetime_seconds", 1))

    def late(_, path, __, send):
        if path.endswith("/attest"):
            time.sleep(2.1)
        return send()

    with Meddler(slow_broker, late) as meddler:
        node = new_node("node", slow_broker, tpm, url=meddler.url, kbs__timeout_seconds=8)
        slow_broker.enroll("node-1", node.ak_pem())
        ran, _ = decrypt(node.by_command(), encrypted, tmp_path / "opened")
    refused(ran, "session-expired", "the session has expired")


def test_evidence_that_is_sent_twice_is_a_replay(new_node, broker, tpm, enrolled_ak, encrypted, tmp_path):
    def twice(_, path, __, send):
        if path.endswith("/attest"):
            send()
        return send()

    with Meddler(broker, twice) as meddler:
        node = new_node("node", broker, tpm, url=meddler.url)
        ran, _ = decrypt(node.by_command(), encrypted, tmp_path / "opened")
    refused(ran, "nonce-replayed", "the challenge has already been answered once")


# --- the node and the policy -------------------------------------------------------------------------------------

def test_the_tpm_is_not_enrolled(new_node, new_tpm, broker, encrypted, tmp_path):
    stranger = new_node("stranger", broker, new_tpm())
    ran, _ = decrypt(stranger.by_command(), encrypted, tmp_path / "opened")
    complaint = refused(ran, "ak-not-enrolled", NOT_ENROLLED)
    assert "ak enroll" in complaint.hint


def test_a_pcr_differs_from_the_policy(publisher, node, broker, image, tmp_path):
    broker.set_policy("other-pcr", allow_tpm(pcr07="ab" * 32))
    ran, encrypted = encrypt(publisher.by_command(), image, tmp_path / "encrypted",
                             keyid="kbs:///demo/kek/other-pcr", policy="other-pcr")
    assert ran.ok, ran
    ran, _ = decrypt(node.by_command(), encrypted, tmp_path / "opened")
    # The node learns which of its claims was not good enough, but not what would be.
    refused(ran, "policy-denied", f"kbs:///demo/kek/other-pcr; tpm.pcr07 is {'00' * 32}")


def test_the_key_has_no_policy(new_node, broker, node, image, tmp_path):
    publisher = new_node("careless", broker, publish__key_file=str(broker.publisher_key))
    ran, encrypted = encrypt(publisher.by_command(), image, tmp_path / "encrypted", keyid="kbs:///demo/kek/no-policy")
    assert ran.ok, ran
    ran, _ = decrypt(node.by_command(), encrypted, tmp_path / "opened")
    refused(ran, "policy-missing", "kbs:///demo/kek/no-policy")


def test_the_policy_denies(publisher, node, broker, image, tmp_path):
    broker.set_policy("other-tee", {"version": "1.0.0", "anyOf": [
        {"authority": "ocicrypt-kbs", "allOf": [{"claim": "tee", "equals": "snp"}]}]})
    ran, encrypted = encrypt(publisher.by_command(), image, tmp_path / "encrypted",
                             keyid="kbs:///demo/kek/other-tee", policy="other-tee")
    assert ran.ok, ran
    ran, _ = decrypt(node.by_command(), encrypted, tmp_path / "opened")
    refused(ran, "policy-denied", "kbs:///demo/kek/other-tee; tee is tpm")


def test_the_key_is_gone(publisher, node, broker, image, tmp_path):
    ran, encrypted = encrypt(publisher.by_command(), image, tmp_path / "encrypted", keyid="kbs:///demo/kek/gone")
    assert ran.ok, ran
    broker.delete_key("kbs:///demo/kek/gone")
    ran, _ = decrypt(node.by_command(), encrypted, tmp_path / "opened")
    refused(ran, "key-not-found", "kbs:///demo/kek/gone")


def test_a_stranger_may_not_create_keys(new_broker, new_node, broker, image, tmp_path):
    other = new_broker("other")
    thief = new_node("thief", broker, publish__key_file=str(other.publisher_key), publish__policy="any-tpm")
    ran, _ = encrypt(thief.by_command(), image, tmp_path / "encrypted", keyid="kbs:///demo/kek/stolen")
    refused(ran, "admin-refused", "the administrator's token is not accepted: the token is signed by no key that is "
                                  "listed under [[admin]]")
    assert "kbs:///demo/kek/stolen" not in broker.admin("key", "list").out


# --- the packet in the image -------------------------------------------------------------------------------------

def with_member(name, change):
    def edit(packet):
        members = json.loads(packet)
        members[name] = change(members[name])
        return json.dumps(members, separators=(",", ":")).encode()
    return edit


def flipped(text, index=3):
    """Base64 text with one character changed to another valid one."""
    return text[:index] + ("B" if text[index] != "B" else "C") + text[index + 1:]


def without_authentication(packet):
    members = json.loads(packet)
    members |= {"wrap_type": "A256CTR", "iv": base64.b64encode(bytes(16)).decode()}
    return json.dumps(members).encode()


UNDECRYPTABLE = "the data cannot be decrypted"
AASP = {"key_url_for_wrapping": "https://vault.example/keys/k", "wrapped_key": "AAAA", "wrap_type": "rsa_3072"}
GCP_KMS = {"key_url": "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k", "wrapped_key": "AAAA", "wrap_type": "AES"}
CHANGED_PACKETS = {
    "cut": (
        lambda packet: packet[:-20],
        "packet-invalid", re.compile(r"json-invalid: at byte \d+: the text ends too early")),
    "empty": (
        lambda packet: b"{}",
        "packet-invalid", 'member "kid" is missing'),
    "halves in the wrong order": (
        lambda packet: packet[len(packet) // 2:] + packet[:len(packet) // 2],
        # The second half begins with whatever letter the wrapped data has there.
        "packet-invalid", re.compile(r"json-invalid: at byte \d+: .*")),
    "kid names another key": (
        with_member("kid", lambda kid: kid + "x"),
        "key-not-found", "kbs:///demo/kek/bad-inputx"),
    "kid is not a key id": (
        with_member("kid", lambda kid: kid[4:]),
        "packet-invalid", 'the key id "//demo/kek/bad-input" does not have exactly three segments repository/type/tag'),
    "wrapped_data flipped": (
        with_member("wrapped_data", flipped),
        "decryption-failed", UNDECRYPTABLE),
    "wrapped_data cut": (
        with_member("wrapped_data", lambda data: data[:-8]),
        "decryption-failed", UNDECRYPTABLE),
    "wrapped_data blocks in another order": (
        with_member("wrapped_data", lambda data: data[8:16] + data[:8] + data[16:]),
        "decryption-failed", UNDECRYPTABLE),
    "wrapped_data is not base64": (
        with_member("wrapped_data", lambda data: "!" + data[1:]),
        "packet-invalid", 'member "wrapped_data" is not canonical base64'),
    "iv flipped": (
        with_member("iv", flipped),
        "decryption-failed", UNDECRYPTABLE),
    "iv too short": (
        with_member("iv", lambda iv: iv[:-4]),
        "packet-invalid", "its iv has 9 bytes; A256GCM needs 12"),
    "wrap_type unknown": (
        with_member("wrap_type", lambda _: "A128GCM"),
        "packet-invalid", 'it has the unknown wrap_type "A128GCM"'),
    "wrap_type without authentication": (
        without_authentication,
        "packet-unauthenticated", "the annotation packet has no authentication (A256CTR)"),
    "duplicate member": (
        lambda packet: packet[:-1] + b',"kid":"kbs:///demo/kek/bad-input"}',
        "packet-invalid", re.compile(r"json-invalid: at byte \d+: a duplicate member")),
    "depth 10 000": (
        lambda packet: packet[:-1] + b',"x":' + b"[" * 10000 + b"]" * 10000 + b"}",
        "packet-invalid", re.compile(r"json-invalid: at byte \d+: nested too deeply")),
    "NUL": (
        lambda packet: packet + b"\0",
        "packet-invalid", re.compile(r"json-invalid: at byte \d+: NUL")),
    "bad UTF-8": (
        lambda packet: packet.replace(b"kbs:", b"k\xffs:"),
        "packet-invalid", re.compile(r"json-invalid: at byte \d+: not JSON")),
    "1 MiB": (
        lambda packet: packet[:-1] + b',"x":"' + b"x" * (1 << 20) + b'"}',
        "input-too-large", re.compile(r"annotation holds \d+ bytes, at most 65536 are allowed")),
    "of AASP": (
        lambda _: json.dumps(AASP).encode(),
        "packet-foreign", "it was written by Azure's AASP (secure key release) key provider"),
    "of the GCP KMS provider": (
        lambda _: json.dumps(GCP_KMS).encode(),
        "packet-foreign", "it was written by the key provider for Google Cloud KMS (kmscrypt)"),
}


@pytest.mark.parametrize("change", CHANGED_PACKETS)
def test_a_changed_packet_is_refused(change, node, encrypted, tmp_path):
    edit, code, what = CHANGED_PACKETS[change]
    damaged = encrypted.with_packets(PROVIDER, tmp_path / "damaged", lambda _, packet: edit(packet))
    ran, _ = decrypt(node.by_command(), damaged, tmp_path / "opened")
    refused(ran, code, what)


def test_members_of_a_packet_in_another_order_mean_the_same(node, encrypted, image, tmp_path):
    def reordered(_, packet):
        return json.dumps(dict(reversed(json.loads(packet).items()))).encode()

    same = encrypted.with_packets(PROVIDER, tmp_path / "same", reordered)
    ran, opened = decrypt(node.by_command(), same, tmp_path / "opened")
    assert ran.ok, ran
    assert opened.blob_digests() == image.blob_digests()


def test_a_packet_of_another_layer_does_not_open_this_one(node, encrypted, tmp_path):
    packets = encrypted.packets(PROVIDER)
    swapped = encrypted.with_packets(PROVIDER, tmp_path / "swapped", lambda index, _: packets[(index + 1) % len(packets)])
    ran, _ = decrypt(node.by_command(), swapped, tmp_path / "opened")
    # The key provider opens the packet, and ocicrypt finds that the layer's MAC is of another key.
    assert not ran.ok and "hmac" in ran.err.lower(), ran


# --- the caller's request ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("change, code, what", [
    ("optsdata-empty", "input-invalid", "keywrapparams.optsdata is missing or empty"),
    ("optsdata-1MiB", "input-too-large", "optsdata holds 1048578 bytes, at most 32768 are allowed"),
    ("optsdata-not-json", "input-invalid", "optsdata is not a JSON object"),
    ("duplicate-keys", "json-invalid", re.compile(r"at byte \d+: a duplicate member")),
    ("depth-10000", "json-invalid", re.compile(r"at byte \d+: nested too deeply")),
    ("nul", "json-invalid", re.compile(r"at byte \d+: NUL")),
    ("bad-utf8", "json-invalid", re.compile(r"at byte \d+: not JSON")),
    ("not-json", "json-invalid", "at byte 0: not JSON"),
    ("empty", "json-invalid", "at byte 0: the text ends too early"),
])
def test_a_broken_request_is_refused(change, code, what, publisher, image, tmp_path):
    tool = publisher.by_command(through=[REWRITE, change])
    ran, _ = encrypt(tool, image, tmp_path / "encrypted", keyid="kbs:///demo/kek/broken-request")
    refused(ran, code, what)


@pytest.mark.parametrize("parameters, code, what", [
    ({"keyidd": "kbs:///demo/kek/x"}, "parameter-unknown", 'no parameter is called "keyidd"; did you mean keyid?'),
    ({"keyid": "demo-kek-x"}, "parameter-invalid", 'keyid: the key id "demo-kek-x" has no path'),
    ({"keyid": "kbs:///demo/kek/../x"}, "parameter-invalid",
     'keyid: the key id "demo/kek/../x" does not have exactly three segments repository/type/tag'),
    ({"keyid": "kbs:///demo/kek/x", "algorithm": "A256CTR"}, "parameter-invalid",
     "algorithm A256CTR has no authentication: only A256GCM wraps"),
    ({"keyid": "kbs:///demo/kek/x", "sample": "true"}, "parameter-invalid",
     "sample=true would encrypt under a key that everyone knows"),
    ({}, "parameter-invalid", "keyid is missing"),
], ids=["misspelt", "no URI", "climbing path", "A256CTR", "sample key", "no parameter at all"])
def test_a_wrong_parameter_is_named(parameters, code, what, publisher, image, tmp_path):
    ran, _ = encrypt(publisher.by_command(), image, tmp_path / "encrypted", **parameters)
    refused(ran, code, what)


# --- files on the machine ----------------------------------------------------------------------------------------

def test_an_unknown_configuration_key_is_named_with_its_place(publisher, image, tmp_path):
    publisher.config.write_text(publisher.config.read_text().replace("url =", "urll ="))
    line = next(number for number, text in enumerate(publisher.config.read_text().splitlines(), 1) if "urll" in text)
    ran, _ = encrypt(publisher.by_command(), image, tmp_path / "encrypted", keyid="kbs:///demo/kek/x")
    refused(ran, "config-invalid", f"{publisher.config}:{line}:1: unknown key urll (did you mean url?)")


def test_a_configuration_that_is_not_there(publisher, image, tmp_path):
    publisher.config.unlink()
    ran, _ = encrypt(publisher.by_command(), image, tmp_path / "encrypted", keyid="kbs:///demo/kek/x")
    refused(ran, "config-unreadable", f"{publisher.config}: No such file or directory")


def test_a_key_file_that_cannot_be_read(publisher, image, tmp_path):
    ran, _ = encrypt(publisher.by_command(), image, tmp_path / "encrypted",
                     keyid="kbs:///demo/kek/x", keypath=tmp_path / "nowhere")
    refused(ran, "key-file-unreadable", f"{tmp_path / 'nowhere'}: No such file or directory")


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_kek_of_the_wrong_size(size, publisher, image, tmp_path):
    kek = tmp_path / "kek"
    kek.write_bytes(b"k" * size)
    ran, _ = encrypt(publisher.by_command(), image, tmp_path / "encrypted", keyid="kbs:///demo/kek/x", keypath=kek)
    refused(ran, "key-file-invalid", f"{kek} holds {size} bytes instead of 32")


def test_another_key_of_the_same_name_is_not_replaced(publisher, node, image, tmp_path):
    ran, encrypted = encrypt(publisher.by_command(), image, tmp_path / "encrypted", keyid="kbs:///demo/kek/taken")
    assert ran.ok, ran
    kek = tmp_path / "kek"
    kek.write_bytes(b"k" * 32)
    ran, _ = encrypt(publisher.by_command(), image, tmp_path / "replaced",
                     keyid="kbs:///demo/kek/taken", keypath=kek)
    refused(ran, "key-exists", "the broker holds another key as kbs:///demo/kek/taken")
    ran, _ = decrypt(node.by_command(), encrypted, tmp_path / "opened")
    assert ran.ok, ran


# --- through the service -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("situation, code, what, status", [
    ("not enrolled", "ak-not-enrolled", NOT_ENROLLED, "PermissionDenied"),
    ("broker down", "kbs-unreachable", re.compile("https://127.0.0.1:.*: Failed to connect to 127.0.0.1 .*"), "Unavailable"),
], ids=["not enrolled", "broker down"])
def test_the_service_says_the_same_in_its_grpc_status(situation, code, what, status, new_node, new_tpm, broker, encrypted,
                                                      tmp_path):
    url = f"https://127.0.0.1:{processes.free_ports()}" if situation == "broker down" else broker.url
    stranger = new_node("stranger", broker, new_tpm(), url=url).serve()
    ran, _ = decrypt(stranger.by_grpc(), encrypted, tmp_path / "opened")
    refused(ran, code, what)
    assert f"code = {status}" in ran.err, ran
    # Through command mode, the running service's words arrive unchanged, once per layer.
    ran, _ = decrypt(stranger.by_command(), encrypted, tmp_path / "opened-by-command")
    assert {complaint.code for complaint in complaints(ran)} == {code}, ran
