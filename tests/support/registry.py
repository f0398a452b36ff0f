# SPDX-License-Identifier: Apache-2.0
"""Debian's docker-registry on the loopback interface: the source from which skopeo copies six layers at once."""

import pathlib

import processes


class Registry:
    def __init__(self, folder):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True)
        port = processes.free_ports()
        config = folder / "config.yml"
        config.write_text(
            "version: 0.1\n"
            f"storage: {{filesystem: {{rootdirectory: {folder / 'blobs'}}}}}\n"
            f"http: {{addr: '127.0.0.1:{port}'}}\n"
            "log: {level: warn}\n")
        self.address = f"127.0.0.1:{port}"
        self.daemon = processes.Daemon(["docker-registry", "serve", config], folder / "log",
                                       processes.accepts_tcp(port))

    def reference(self, name):
        return f"docker://{self.address}/{name}"

    def stop(self):
        self.daemon.stop()
