# SPDX-License-Identifier: Apache-2.0
"""Real processes for tests: commands that end, daemons that are stopped, free ports of the loopback interface."""

import dataclasses
import os
import pathlib
import signal
import socket
import subprocess
import time


@dataclasses.dataclass(frozen=True)
class Ran:
    """A command that has ended, as a reader of a transcript wants to see it when an assertion fails."""

    command: str
    code: int
    out: str
    err: str

    @property
    def ok(self):
        return self.code == 0

    def __str__(self):
        return f"$ {self.command}\n{self.out}{self.err}(exit {self.code})"

    __repr__ = __str__


def run(argv, env=None, stdin=b"", timeout=60, **kwargs):
    """Runs a command to its end; stdin is bytes or str and never this terminal's."""
    if isinstance(stdin, str):
        stdin = stdin.encode()
    argv = [str(argument) for argument in argv]
    ended = subprocess.run(argv, input=stdin, capture_output=True, timeout=timeout, env=environment(env), **kwargs)
    return Ran(" ".join(argv), ended.returncode, ended.stdout.decode(errors="replace"),
               ended.stderr.decode(errors="replace"))


def succeed(argv, **kwargs):
    """Runs a command that a test needs and that is not what it tests."""
    ran = run(argv, **kwargs)
    assert ran.ok, ran
    return ran


def environment(extra=None):
    """This process's environment without what would leak a developer's own configuration into a test."""
    leaks = ("KEYPROVIDER_", "OCICRYPT_", "TPM2TOOLS_", "TSS2_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    env = {name: value for name, value in os.environ.items() if not name.upper().startswith(leaks)}
    env.update({name: str(value) for name, value in (extra or {}).items()})
    return env


def free_ports(count=1):
    """`count` free, adjacent TCP ports of 127.0.0.1 (a software TPM wants two)."""
    for _ in range(200):
        sockets = []
        try:
            first = socket.socket()
            sockets.append(first)
            first.bind(("127.0.0.1", 0))
            base = first.getsockname()[1]
            for offset in range(1, count):
                following = socket.socket()
                sockets.append(following)
                following.bind(("127.0.0.1", base + offset))
            return base
        except (OSError, OverflowError):
            continue
        finally:
            for held in sockets:
                held.close()
    raise RuntimeError("no free port on 127.0.0.1")


def accepts_tcp(port):
    def check():
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0
    return check


def accepts_unix(path):
    def check():
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(path)) == 0
    return check


class Daemon:
    """A process that serves until it is stopped. `ready` is polled; what it writes lands in `log`."""

    def __init__(self, argv, log, ready, env=None, timeout=15):
        self.argv = [str(argument) for argument in argv]
        self.log = pathlib.Path(log)
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            env=environment(env), start_new_session=True)
        deadline = time.monotonic() + timeout
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"$ {' '.join(self.argv)}\ndid not become ready:\n{self.output()}")
            time.sleep(0.02)

    def output(self):
        return self.log.read_text(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=15):
        return self.process.wait(timeout)

    def stop(self):
        """Asks it to end; whatever still runs after that is killed, with its children."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        return self.process.returncode

    def kill(self):
        """What a power cut does."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
