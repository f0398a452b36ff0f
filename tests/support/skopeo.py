# SPDX-License-Identifier: Apache-2.0
"""A real skopeo that knows key providers (tools/fetch-skopeo), and what it tells its user."""

import dataclasses
import functools
import json
import pathlib
import re

import processes
from oci import SOURCE

# What ocicrypt-keyprovider says in command mode, and in a gRPC status (the same text without its name).
_COMMAND = re.compile(r"ocicrypt-keyprovider: error: (?P<code>[a-z0-9-]+): (?P<what>.*?); hint: (?P<hint>.*?)"
                      r"(?: \(request (?P<request>[A-Za-z0-9-]+)\))?(?:\n|$)")
_GRPC = re.compile(r"rpc error: code = (?P<status>\w+) desc = (?P<code>[a-z0-9-]+): (?P<what>.*?); hint: (?P<hint>.*?)"
                   r"(?: \(request (?P<request>[A-Za-z0-9-]+)\))?(?:\n|$)")


@dataclasses.dataclass(frozen=True)
class Complaint:
    """The line of ours inside skopeo's error message."""

    code: str
    what: str
    hint: str
    request: str | None


@functools.cache
def wrapper():
    return pathlib.Path(processes.succeed([SOURCE / "tools" / "fetch-skopeo"], timeout=600).out.strip())


class Skopeo:
    """skopeo with one key provider, reached by the ocicrypt configuration file `providers`."""

    def __init__(self, providers):
        self.providers = providers

    def copy(self, *arguments, timeout=120):
        return processes.run([wrapper(), "copy", *arguments], timeout=timeout,
                             env={"OCICRYPT_KEYPROVIDER_CONFIG": self.providers})


def write_providers(path, name, attributes):
    """The file that OCICRYPT_KEYPROVIDER_CONFIG names: {"cmd": {...}} or {"grpc": "..."} under `name`."""
    path = pathlib.Path(path)
    path.write_text(json.dumps({"key-providers": {name: attributes}}, indent=2))
    return path


def complaints(ran):
    """Every line of ours in what skopeo printed. skopeo quotes its message in its log line: unquote that first."""
    text = ran.err.replace('\\"', '"').replace("\\n", "\n")
    return [Complaint(match["code"], match["what"], match["hint"], match["request"])
            for pattern in (_COMMAND, _GRPC) for match in pattern.finditer(text)]


def refused(ran, code, what):
    """skopeo failed, and its own output tells why: this code, exactly these words (text, or a compiled pattern for all
    of it), and a hint. Returns the complaint."""
    assert not ran.ok, f"skopeo should have been refused with {code}\n{ran}"
    found = complaints(ran)
    assert found, f"skopeo's output does not say why\n{ran}"
    complaint = found[0]
    matches = what.fullmatch(complaint.what) if isinstance(what, re.Pattern) else complaint.what == what
    assert complaint.code == code and matches, f"wanted {code}: {what}\n{ran}"
    assert complaint.hint, ran
    return complaint
