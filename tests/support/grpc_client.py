# SPDX-License-Identifier: Apache-2.0
"""A caller of keyprovider.KeyProviderService that shares nothing with it but the wire: messages are encoded by hand."""

import base64
import json

import grpc


def _varint(number):
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(encoded + bytes([number]))


def field_1(content):
    """A protobuf message whose only field, number 1, holds these bytes."""
    return b"\x0a" + _varint(len(content)) + content


def content_of(message):
    """The bytes of field 1 of a message that has no other."""
    if not message:
        return b""
    assert message[0] == 0x0A, message[:20]
    length, shift, at = 0, 0, 1
    while True:
        byte = message[at]
        length |= (byte & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if byte < 0x80:
            break
    assert len(message) == at + length, "more than one field"
    return message[at:]


class Caller:
    def __init__(self, target, credentials=None, **options):
        options = [(f"grpc.{name}", value) for name, value in options.items()]
        # A fresh connection for each caller, as ocicrypt makes one for each call.
        options += [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1),
                    ("grpc.enable_http_proxy", 0)]
        self.channel = (grpc.secure_channel(target, credentials, options) if credentials
                        else grpc.insecure_channel(target, options))

    def start(self, method, content, timeout=20):
        """Sends a call and returns at once; `.result()` waits for the answer."""
        return self.channel.unary_unary(f"/keyprovider.KeyProviderService/{method}", field_1, content_of).future(
            content, timeout=timeout)

    def call(self, method, content, timeout=20):
        return self.start(method, content, timeout).result()

    def refused(self, method, content, timeout=20):
        """The status of a call that must fail: (code, text)."""
        try:
            answer = self.call(method, content, timeout)
        except grpc.RpcError as error:
            return error.code(), error.details()
        raise AssertionError(f"answered {answer[:200]!r}")

    def health(self, service="", timeout=5):
        """The state that grpc.health.v1.Health reports: 1 SERVING, 2 NOT_SERVING."""
        check = self.channel.unary_unary("/grpc.health.v1.Health/Check", field_1, bytes)
        return _health_state(check(service.encode(), timeout=timeout))

    def watch_health(self, service="", timeout=20):
        """The states of grpc.health.v1.Health/Watch as they come."""
        watch = self.channel.unary_stream("/grpc.health.v1.Health/Watch", field_1, bytes)
        return map(_health_state, watch(service.encode(), timeout=timeout))

    def close(self):
        self.channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _health_state(message):
    assert len(message) == 2 and message[0] == 0x08, message
    return message[1]


def _base64(content):
    return base64.b64encode(content.encode() if isinstance(content, str) else content).decode()


def wrap_request(options, parameters, provider="attestation-agent"):
    """What go-ocicrypt sends to wrap `options` for one recipient."""
    return json.dumps({
        "op": "keywrap",
        "keywrapparams": {"ec": {"Parameters": {provider: [_base64(parameters)]}, "DecryptConfig": {"Parameters": {}}},
                          "optsdata": _base64(options)},
        "keyunwrapparams": {"dc": None, "annotation": None}}).encode()


def unwrap_request(packet):
    """What go-ocicrypt sends to unwrap the bytes that a wrap returned."""
    return json.dumps({
        "op": "keyunwrap", "keywrapparams": {"ec": None, "optsdata": None},
        "keyunwrapparams": {"dc": {"Parameters": {}}, "annotation": _base64(packet)}}).encode()


def annotation_of(answer):
    """The packet in the answer to a wrap."""
    return bytes(json.loads(answer)["keywrapresults"]["annotation"])


def options_of(answer):
    """The layer options in the answer to an unwrap."""
    return bytes(json.loads(answer)["keyunwrapresults"]["optsdata"])
