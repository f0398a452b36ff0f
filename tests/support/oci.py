# SPDX-License-Identifier: Apache-2.0
"""OCI images in OCI layouts: build one, read its manifest, look at and change the annotations of its layers."""

import base64
import hashlib
import json
import pathlib

import processes

ANNOTATION = "org.opencontainers.image.enc.keys.provider."
SOURCE = pathlib.Path(__file__).resolve().parents[2]


class Image:
    """`layout:tag`, as skopeo and umoci name it. skopeo's own name for it is `image.reference`."""

    def __init__(self, layout, tag="app"):
        self.layout = pathlib.Path(layout)
        self.tag = tag

    @property
    def reference(self):
        return f"oci:{self.layout}:{self.tag}"

    def _blob(self, digest):
        return self.layout / "blobs" / digest.replace(":", "/", 1)

    def manifest(self):
        index = json.loads((self.layout / "index.json").read_text())
        for entry in index["manifests"]:
            if entry.get("annotations", {}).get("org.opencontainers.image.ref.name") == self.tag:
                return json.loads(self._blob(entry["digest"]).read_bytes())
        raise KeyError(f"{self.layout} has no image {self.tag}")

    def blob_digests(self):
        """The digests of config and layers, in order, each recomputed from the blob's bytes."""
        manifest = self.manifest()
        digests = []
        for descriptor in [manifest["config"], *manifest["layers"]]:
            content = self._blob(descriptor["digest"]).read_bytes()
            computed = "sha256:" + hashlib.sha256(content).hexdigest()
            assert computed == descriptor["digest"], f"{self.layout}: blob {descriptor['digest']} holds {computed}"
            digests.append(computed)
        return digests

    def encrypted_layers(self):
        return [layer["mediaType"].endswith("+encrypted") for layer in self.manifest()["layers"]]

    def packets(self, provider):
        """The annotation packet of each layer, as bytes."""
        return [base64.b64decode(layer["annotations"][ANNOTATION + provider]) for layer in self.manifest()["layers"]]

    def with_packets(self, provider, layout, change):
        """A copy of this image whose packets are `change(layer_index, packet_bytes)`."""
        processes.succeed(["cp", "-a", self.layout, layout])
        copy = Image(layout, self.tag)
        manifest = copy.manifest()
        for index, layer in enumerate(manifest["layers"]):
            packet = base64.b64decode(layer["annotations"][ANNOTATION + provider])
            changed = change(index, packet)
            layer["annotations"][ANNOTATION + provider] = base64.b64encode(changed).decode()
        content = json.dumps(manifest).encode()
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        copy._blob(digest).write_bytes(content)
        index_file = copy.layout / "index.json"
        index = json.loads(index_file.read_text())
        for entry in index["manifests"]:
            entry["digest"], entry["size"] = digest, len(content)
        index_file.write_text(json.dumps(index))
        return copy


def build_image(layout, layers=3):
    processes.succeed([SOURCE / "tools" / "make-image", layout, layers])
    return Image(layout)
