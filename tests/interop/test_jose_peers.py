# SPDX-License-Identifier: Apache-2.0
"""JWK, JWS, JWE and X.509 of crypto/ against implementations that share no code with it, in both directions.

Peers: the `jose` command (libjose), python3-jwcrypto, and for certificates OpenSSL's command, Python's ssl and GnuTLS.
"""

import base64
import json
import os
import socket
import ssl
import subprocess
import threading

import pytest

jwk_module = pytest.importorskip("jwcrypto.jwk", reason="python3-jwcrypto is not installed")
from jwcrypto import jwe, jws  # noqa: E402

TOOL = os.path.join(os.environ["BUILD_DIR"], "tests/support/jose_tool/jose_tool")

ENCRYPTION = [("P-256", "ECDH-ES+A256KW"), ("P-384", "ECDH-ES+A256KW"), ("P-521", "ECDH-ES+A256KW"), ("RSA", "RSA-OAEP-256")]
SIGNATURE = [
    ("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512"), ("RSA", "RS256"), ("RSA", "RS384"), ("RSA", "RS512"),
    ("RSA", "PS256"), ("RSA", "PS384"), ("RSA", "PS512"), ("Ed25519", "EdDSA"),
]
# libjose knows no RSA-OAEP-256 in Debian 12's build of it, and no Ed25519.
LIBJOSE_ENCRYPTION = [pair for pair in ENCRYPTION if pair[0] != "RSA"]
LIBJOSE_SIGNATURE = [pair for pair in SIGNATURE if pair[0] != "Ed25519"]
PLAINTEXTS = [b"", b"x", bytes(range(256)) * 17]


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def ours(verb, **members):
    """What our library answers."""
    run = subprocess.run([TOOL], input=json.dumps({"do": verb, **members}).encode(), stdout=subprocess.PIPE, check=True, timeout=60)
    return json.loads(run.stdout)


def libjose(*arguments, stdin=b"", check=True):
    return subprocess.run(["jose", *arguments], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=check, timeout=60)


def our_keys(kind, alg):
    answer = ours("generate", type=kind, alg=alg)
    return answer["private"], answer["public"]


def their_jwcrypto_key(kind, alg):
    if kind == "RSA":
        key = jwk_module.JWK.generate(kty="RSA", size=2048)
    elif kind == "Ed25519":
        key = jwk_module.JWK.generate(kty="OKP", crv="Ed25519")
    else:
        key = jwk_module.JWK.generate(kty="EC", crv=kind)
    private = {**json.loads(key.export_private()), "alg": alg}
    return private, {**json.loads(key.export_public()), "alg": alg}


def their_libjose_key(kind, alg, folder):
    # Without `alg`, from which libjose would choose the curve.
    template = {"kty": "RSA", "bits": 2048} if kind == "RSA" else {"kty": "EC", "crv": kind}
    private = json.loads(libjose("jwk", "gen", "-i", json.dumps(template)).stdout)
    public = json.loads(libjose("jwk", "pub", "-i", write(folder / "whole.jwk", private)).stdout)
    return {**private, "alg": alg}, {**public, "alg": alg}


def flattened(compact):
    """The compact form, in which every peer protects the whole header, as flattened JSON."""
    return dict(zip(["protected", "encrypted_key", "iv", "ciphertext", "tag"], compact.strip().split(".")))


def write(path, value):
    path.write_text(json.dumps(value))
    return str(path)


# JWE


@pytest.mark.parametrize("kind,alg", ENCRYPTION)
def test_jwcrypto_opens_what_we_encrypt_to_its_key(kind, alg):
    private, public = their_jwcrypto_key(kind, alg)
    for plaintext in PLAINTEXTS[1:]:  # jwcrypto takes an empty plaintext for a failure
        token = jwe.JWE()
        token.deserialize(json.dumps(ours("encrypt", jwk=public, plaintext=b64(plaintext))))
        token.decrypt(jwk_module.JWK(**private))
        assert token.payload == plaintext


@pytest.mark.parametrize("kind,alg", ENCRYPTION)
def test_we_open_what_jwcrypto_encrypts_to_our_key(kind, alg):
    private, public = our_keys(kind, alg)
    for plaintext in PLAINTEXTS[1:]:  # jwcrypto does not encrypt nothing
        token = jwe.JWE(plaintext, json.dumps({"alg": alg, "enc": "A256GCM"}), recipient=jwk_module.JWK(**public))
        sealed = flattened(token.serialize(compact=True))
        assert unb64(ours("decrypt", jwk=private, jwe=sealed)["plaintext"]) == plaintext


@pytest.mark.parametrize("kind,alg", LIBJOSE_ENCRYPTION)
def test_libjose_opens_what_we_encrypt_to_its_key(kind, alg, tmp_path):
    private, public = their_libjose_key(kind, alg, tmp_path)
    key = write(tmp_path / "key.jwk", private)
    for plaintext in PLAINTEXTS:
        sealed = json.dumps(ours("encrypt", jwk=public, plaintext=b64(plaintext))).encode()
        assert libjose("jwe", "dec", "-i-", "-k", key, stdin=sealed).stdout == plaintext


@pytest.mark.parametrize("kind,alg", LIBJOSE_ENCRYPTION)
def test_we_open_what_libjose_encrypts_to_our_key(kind, alg, tmp_path):
    private, public = our_keys(kind, alg)
    key = write(tmp_path / "key.jwk", public)
    for plaintext in PLAINTEXTS:
        template = json.dumps({"protected": {"alg": alg, "enc": "A256GCM"}})
        compact = libjose("jwe", "enc", "-i", template, "-I-", "-c", "-k", key, stdin=plaintext).stdout.decode()
        assert unb64(ours("decrypt", jwk=private, jwe=flattened(compact))["plaintext"]) == plaintext


def test_a_header_that_nothing_vouches_for_is_refused(tmp_path):
    private, public = our_keys("P-256", "ECDH-ES+A256KW")
    template = json.dumps({"protected": {"alg": "ECDH-ES+A256KW", "enc": "A256GCM"}})
    sealed = json.loads(libjose("jwe", "enc", "-i", template, "-I-", "-k", write(tmp_path / "key.jwk", public), stdin=b"x").stdout)
    assert "epk" in sealed["header"]
    assert ours("decrypt", jwk=private, jwe=sealed) == {"error": "crypto-input-invalid"}


def test_party_infos_of_a_peer_are_taken_into_account():
    private, public = our_keys("P-256", "ECDH-ES+A256KW")
    header = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "apu": b64(b"Alice"), "apv": b64(b"Bob")}
    token = jwe.JWE(b"secret", json.dumps(header), recipient=jwk_module.JWK(**public))
    sealed = flattened(token.serialize(compact=True))
    assert unb64(ours("decrypt", jwk=private, jwe=sealed)["plaintext"]) == b"secret"


@pytest.mark.parametrize("header", [
    {"alg": "RSA-OAEP", "enc": "A256GCM"}, {"alg": "RSA1_5", "enc": "A256GCM"},
    {"alg": "RSA-OAEP-256", "enc": "A128GCM"}, {"alg": "RSA-OAEP-256", "enc": "A256CBC-HS512"},
    {"alg": "RSA-OAEP-256", "enc": "A256GCM", "zip": "DEF"},
])
def test_real_messages_of_weaker_algorithms_are_refused(header):
    private, public = our_keys("RSA", "RSA-OAEP-256")
    public.pop("alg")
    token = jwe.JWE(b"secret", json.dumps(header), algs=[header["alg"], header["enc"]])
    token.add_recipient(jwk_module.JWK(**public))
    assert ours("decrypt", jwk=private, jwe=json.loads(token.serialize())) == {"error": "crypto-input-invalid"}


# JWS


@pytest.mark.parametrize("kind,alg", SIGNATURE)
def test_jwcrypto_verifies_what_we_sign_and_we_what_it_signs(kind, alg):
    private, public = our_keys(kind, alg)
    token = jws.JWS()
    token.deserialize(ours("sign", jwk=private, alg=alg, payload=b64(b"said"))["token"])
    token.allowed_algs = [alg]
    token.verify(jwk_module.JWK(**public))
    assert token.payload == b"said"

    private, public = their_jwcrypto_key(kind, alg)
    token = jws.JWS(b"said")
    token.allowed_algs = [alg]
    token.add_signature(jwk_module.JWK(**private), alg, json.dumps({"alg": alg}))
    compact = token.serialize(compact=True)
    assert unb64(ours("verify", jwk=public, alg=alg, token=compact)["payload"]) == b"said"
    header, payload, signature = compact.split(".")
    forged = ".".join([header, b64(b"lies"), signature])
    assert ours("verify", jwk=public, alg=alg, token=forged) == {"error": "signature-invalid"}


@pytest.mark.parametrize("kind,alg", LIBJOSE_SIGNATURE)
def test_libjose_verifies_what_we_sign_and_we_what_it_signs(kind, alg, tmp_path):
    private, public = our_keys(kind, alg)
    key = write(tmp_path / "ours.jwk", public)
    compact = ours("sign", jwk=private, alg=alg, payload=b64(b"said"))["token"]
    assert libjose("jws", "ver", "-i-", "-k", key, "-O-", stdin=compact.encode()).stdout == b"said"
    head, _, signature = compact.split(".")
    forged = ".".join([head, b64(b"lies"), signature])
    assert libjose("jws", "ver", "-i-", "-k", key, stdin=forged.encode(), check=False).returncode != 0

    private, public = their_libjose_key(kind, alg, tmp_path)
    key = write(tmp_path / "theirs.jwk", private)
    compact = libjose("jws", "sig", "-I-", "-c", "-k", key, stdin=b"said").stdout.decode()
    assert unb64(ours("verify", jwk=public, alg=alg, token=compact)["payload"]) == b"said"


def test_a_token_signed_with_the_public_key_as_an_hmac_key_is_refused():
    _, public = our_keys("RSA", "RS256")
    secret = jwk_module.JWK(kty="oct", k=b64(jwk_module.JWK(**public).export_to_pem()))
    token = jws.JWS(b"said")
    token.add_signature(secret, "HS256", json.dumps({"alg": "HS256"}))
    assert ours("verify", jwk=public, alg="RS256", token=token.serialize(compact=True)) == {"error": "crypto-input-invalid"}


# JWK


@pytest.mark.parametrize("kind,alg", [("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512"), ("RSA", "RS256")])
def test_all_three_agree_on_thumbprints(kind, alg, tmp_path):
    private, public = our_keys(kind, alg)
    thumbprint = ours("thumbprint", jwk=public)["thumbprint"]
    assert ours("thumbprint", jwk=private)["thumbprint"] == thumbprint
    assert jwk_module.JWK(**public).thumbprint() == thumbprint
    assert libjose("jwk", "thp", "-a", "S256", "-i", write(tmp_path / "key.jwk", public)).stdout.decode().strip() == thumbprint


# X.509


@pytest.fixture(params=["P-256", "P-384", "RSA"])
def issued(request, tmp_path):
    pems = ours("issue", type=request.param, names=["broker.example", "127.0.0.1", "::1"])
    for name, pem in pems.items():
        (tmp_path / f"{name}.pem").write_text(pem)
    return tmp_path


def run(*command, stdin=b""):
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)


def test_openssl_accepts_a_server_certificate_for_its_names_only(issued):
    verify = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", f"{issued}/ca.pem"]
    for option in [["-verify_hostname", "broker.example"], ["-verify_ip", "127.0.0.1"], ["-verify_ip", "::1"]]:
        assert run(*verify, *option, f"{issued}/certificate.pem").returncode == 0
    for option in [["-verify_hostname", "evil.example"], ["-verify_ip", "127.0.0.2"], ["-purpose", "sslclient"]]:
        assert run(*verify, *option, f"{issued}/certificate.pem").returncode != 0


def test_gnutls_accepts_a_server_certificate_for_its_names_only(issued):
    verify = ["certtool", "--verify", "--load-ca-certificate", f"{issued}/ca.pem", "--infile", f"{issued}/certificate.pem",
              "--verify-purpose", "1.3.6.1.5.5.7.3.1"]
    assert run(*verify, "--verify-hostname", "broker.example").returncode == 0
    assert run(*verify, "--verify-hostname", "evil.example").returncode != 0


def test_a_tls_handshake_of_python_succeeds_for_the_names_only(issued):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(f"{issued}/certificate.pem", f"{issued}/private_key.pem")
    client = ssl.create_default_context(cafile=f"{issued}/ca.pem")
    client.verify_flags |= ssl.VERIFY_X509_STRICT

    def handshake(name):
        ours_end, their_end = socket.socketpair()
        ours_end.settimeout(10), their_end.settimeout(10)

        def serve():
            try:
                server.wrap_socket(their_end, server_side=True).close()
            except (ssl.SSLError, OSError):
                pass  # the client refused

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            client.wrap_socket(ours_end, server_hostname=name).close()
        finally:
            ours_end.close()
            thread.join()
            their_end.close()

    handshake("broker.example")
    handshake("127.0.0.1")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake("evil.example")
