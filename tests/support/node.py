# SPDX-License-Identifier: Apache-2.0
"""A machine that encrypts or runs images: a key provider's configuration, a TPM of its own or none, and skopeo."""

import json
import pathlib

import processes
import skopeo
from oci import Image

# The name that CoCo's tools look for in the image.
PROVIDER = "attestation-agent"


class Node:
    def __init__(self, program, folder, kbs_url, ca, tpm=None, publisher_key=None, **settings):
        self.program = pathlib.Path(program)
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.tpm = tpm
        self.serving = None
        sections = {
            "kbs": {"url": kbs_url, "ca_file": str(ca)},
            "attester": {"type": "tpm", "tpm_tcti": tpm.tcti} if tpm else {"type": "none"},
            "serve": {"listen": f"unix://{self.folder}/provider.sock", "command_socket": f"{self.folder}/command.sock"},
        }
        if publisher_key:
            sections["publish"] = {"key_file": str(publisher_key)}
        for dotted, value in settings.items():  # kbs__timeout_seconds=1
            section, key = dotted.split("__")
            sections.setdefault(section, {})[key] = value
        self.config = self.folder / "config.toml"
        self.config.write_text(to_toml(sections))

    def verb(self, *arguments, **kwargs):
        return processes.run([self.program, *arguments, "--config", self.config], **kwargs)

    def ak_pem(self):
        """The public attestation key that the broker's operator enrols."""
        ran = self.verb("tpm", "ak", "--pem")
        assert ran.ok, ran
        return ran.out

    def serve(self, *options):
        socket = self.folder / "provider.sock"
        self.serving = processes.Daemon([self.program, "serve", "--config", self.config, *options],
                                        self.folder / "serve.log", processes.accepts_unix(socket))
        return self

    def stop(self):
        if self.serving:
            self.serving.stop()
            self.serving = None

    def by_command(self, *arguments, through=()):
        """skopeo that runs the key provider for every layer; `through` is a program to put before it."""
        command = [*map(str, through), str(self.program), "--config", str(self.config), *arguments]
        return self._skopeo("cmd", {"cmd": {"path": command[0], "args": command[1:]}})

    def by_grpc(self):
        """skopeo that calls this node's `serve`."""
        return self._skopeo("grpc", {"grpc": f"unix://{self.folder}/provider.sock"})

    def _skopeo(self, name, attributes):
        path = skopeo.write_providers(self.folder / f"providers-{name}.json", PROVIDER, attributes)
        return skopeo.Skopeo(path)


def encrypt(tool, image, layout, keyid=None, **parameters):
    """Encrypts `image` into the OCI layout `layout`; returns what skopeo did, and the encrypted image."""
    fields = ([f"keyid={keyid}"] if keyid else []) + [f"{name}={value}" for name, value in parameters.items()]
    recipient = ":".join(["provider", PROVIDER, *(["::".join(fields)] if fields else [])])
    target = Image(layout, image.tag)
    return tool.copy("--encryption-key", recipient, image.reference, target.reference), target


def decrypt(tool, image, layout, *options):
    """Decrypts `image` (an Image, or any name that skopeo understands) into `layout`."""
    source, tag = (image.reference, image.tag) if isinstance(image, Image) else (image, "app")
    target = Image(layout, tag)
    return tool.copy("--decryption-key", f"provider:{PROVIDER}", *options, source, target.reference), target


def to_toml(sections):
    lines = []
    for section, values in sections.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        lines.append("")
    return "\n".join(lines)
