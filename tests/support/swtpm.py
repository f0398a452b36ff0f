# SPDX-License-Identifier: Apache-2.0
"""A software TPM 2.0 (Debian's swtpm) with a state of its own."""

import pathlib

import processes


class SoftwareTpm:
    """`tcti` is how tpm2-tss reaches it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._port = processes.free_ports(2)  # commands; control is the next one
        self.tcti = f"swtpm:host=127.0.0.1,port={self._port}"
        self._start()

    def _start(self):
        self._daemon = processes.Daemon(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.folder}",
             "--server", f"type=tcp,bindaddr=127.0.0.1,port={self._port},disconnect",
             "--ctrl", f"type=tcp,bindaddr=127.0.0.1,port={self._port + 1}",
             "--flags", "not-need-init,startup-clear"],
            self.folder / "log", processes.accepts_tcp(self._port + 1))

    def tool(self, name, *arguments):
        """One of Debian's tpm2-tools against this TPM."""
        return processes.succeed([f"tpm2_{name}", *arguments], env={"TPM2TOOLS_TCTI": self.tcti})

    def extend(self, pcr, sha256_hex):
        self.tool("pcrextend", f"{pcr}:sha256={sha256_hex}")

    def pcr(self, pcr):
        """The SHA-256 bank's value of one PCR, lower-case hex."""
        return self.tool("pcrread", f"sha256:{pcr}").out.rsplit("0x", 1)[1].strip().lower()

    def reboot(self):
        """Resets every PCR, as a restart of the machine does; persistent keys stay."""
        self.stop()
        self._start()

    def stop(self):
        self._daemon.stop()
