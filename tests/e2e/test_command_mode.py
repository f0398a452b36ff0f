# SPDX-License-Identifier: Apache-2.0
"""The process that ocicrypt starts: nothing on stdout but one whole answer, or one line on stderr and exit status 1."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import threading
import time

import pytest

import processes

LINE = re.compile(r"ocicrypt-keyprovider: error: (?P<code>[a-z-]+): [^\n]*; hint: [^\n]* \(request [0-9a-f]{16}\)\n")


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text(f'[serve]\ncommand_socket = "{tmp_path}/command.sock"\n')
    return file


@contextlib.contextmanager
def service(path, answer):
    """Something that listens like `serve`; answer(request) gives the bytes to send, or None to keep silent."""
    requests, held = [], []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def loop():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                request = b""
                while piece := connection.recv(65536):
                    request += piece
                requests.append(request)
                reply = answer(request)
                if reply is None:
                    held.append(connection)
                else:
                    connection.sendall(reply)
                    connection.close()

        threading.Thread(target=loop, daemon=True).start()
        yield requests
        listener.shutdown(socket.SHUT_RDWR)


def refused(ran, code):
    assert ran.code == 1 and ran.out == "", ran
    said = LINE.fullmatch(ran.err)
    assert said and said["code"] == code, f"wanted one line of {code}\n{ran}"


def test_a_running_service_answers(programs, config, tmp_path):
    with service(tmp_path / "command.sock", lambda _: b'ok\n{"keyunwrapresults":{"optsdata":[1]}}') as requests:
        ran = processes.run([programs.keyprovider, "--config", config], stdin=b"the request\0\xff")
    assert ran.ok and ran.err == "" and ran.out == '{"keyunwrapresults":{"optsdata":[1]}}', ran
    assert requests == [b"the request\0\xff"]


def test_the_words_of_the_service_arrive_as_one_line(programs, config, tmp_path):
    words = b"error\npolicy-denied: no\x1b[31m; hint: ask (request 0123456789abcdef)"
    with service(tmp_path / "command.sock", lambda _: words):
        ran = processes.run([programs.keyprovider, "--config", config], stdin=b"{}")
    refused(ran, "policy-denied")
    assert "\x1b" not in ran.err


@pytest.mark.parametrize("answer", [b"", b"ok", b"garbage"])
def test_a_service_that_dies_is_an_error(answer, programs, config, tmp_path):
    with service(tmp_path / "command.sock", lambda _: answer):
        refused(processes.run([programs.keyprovider, "--config", config], stdin=b"{}"), "net-failed")


@pytest.mark.parametrize("flag", [["--no-serve"], ["--allow-legacy-unauthenticated"], ["--provider", "kp"]])
def test_a_flag_that_a_service_cannot_know_keeps_the_request_here(flag, programs, config, tmp_path):
    with service(tmp_path / "command.sock", lambda _: b"ok\n{}") as requests:
        refused(processes.run([programs.keyprovider, "--config", config, *flag], stdin=b"{}"), "input-invalid")
    assert requests == []


def test_without_a_service_the_request_reaches_the_command_program_unread(programs, config):
    refused(processes.run([programs.keyprovider, "--config", config], stdin=b"{}"), "input-invalid")


@pytest.mark.parametrize("through", ["the command program", "a silent service"])
def test_nothing_takes_longer_than_the_deadline(through, programs, config, tmp_path):
    silent = service(tmp_path / "command.sock", lambda _: None)
    with silent if through == "a silent service" else contextlib.nullcontext():
        began = time.monotonic()
        child = subprocess.Popen([programs.keyprovider, "--config", config], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env=processes.environment({"KEYPROVIDER_COMMAND_DEADLINE_SECONDS": 1}))
        if through == "a silent service":
            child.stdin.write(b"{}")
            child.stdin.close()
        child.wait(timeout=20)  # the command program waits for the end of stdin, which stays open
        took = time.monotonic() - began
    ran = processes.Ran("ocicrypt-keyprovider", child.returncode, child.stdout.read().decode(),
                        child.stderr.read().decode())
    refused(ran, "deadline-exceeded")
    assert 0.9 < took < 10


def test_more_than_16_mib_are_refused(programs, config):
    refused(processes.run([programs.keyprovider, "--config", config], stdin=b" " * ((16 << 20) + 1)), "input-too-large")


def test_an_answer_that_cannot_be_written_is_an_error(programs, config, tmp_path):
    with service(tmp_path / "command.sock", lambda _: b"ok\n{}"), open("/dev/full", "wb") as full:
        ended = subprocess.run([programs.keyprovider, "--config", config], input=b"{}", stdout=full,
                               stderr=subprocess.PIPE, env=processes.environment())
    assert ended.returncode == 1 and b"stdout: No space left on device" in ended.stderr


def test_closed_standard_files_are_no_trap(programs, config, tmp_path):
    """Without care, the connection to the service would get a free number below three and be taken for stdout."""
    with service(tmp_path / "command.sock", lambda _: b"ok\n{}") as requests:
        ended = subprocess.run(["sh", "-c", f"exec '{programs.keyprovider}' --config '{config}' <&- >&-"],
                               stderr=subprocess.PIPE, env=processes.environment())
    assert ended.returncode == 0 and requests == [b""], ended.stderr


def test_a_misspelt_flag_is_named_where_ocicrypt_shows_it(programs):
    ran = processes.run([programs.keyprovider, "--confg", "x"], stdin=b"{}")
    refused(ran, "usage")
    assert "--confg" in ran.err


def test_verbs_say_error_and_hint_on_lines_of_their_own(programs):
    def says(code):
        return rf"ocicrypt-keyprovider: error: {code}: .*\nocicrypt-keyprovider: hint: .*\n"
    ran = processes.run([programs.keyprovider, "config", "explain", "--config", "/nonexistent"])
    assert ran.code == 1 and re.fullmatch(says("config-unreadable"), ran.err), ran
    ran = processes.run([programs.keyprovider, "tpm", "akk"])
    assert ran.code == 2 and re.fullmatch(says("usage"), ran.err), ran


def test_a_tpm_that_is_not_there_is_one_error_and_nothing_of_its_library(programs):
    ran = processes.run([programs.keyprovider, "tpm", "ak"], env={"KEYPROVIDER_ATTESTER_TPM_TCTI": "device:/nonexistent"})
    assert ran.code == 1 and re.fullmatch(r"ocicrypt-keyprovider: error: attester-unavailable: TPM: cannot open "
                                          r"device:/nonexistent: .*\nocicrypt-keyprovider: hint: .*\n", ran.err), ran


def test_the_installed_layout_works(programs, tmp_path):
    inside = tmp_path / "libexec" / "ocicrypt-keyprovider"
    inside.mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    shutil.copy(programs.keyprovider, tmp_path / "bin")
    front = tmp_path / "bin" / programs.keyprovider.name
    ran = processes.run([front, "--version"])
    assert ran.code == 1 and "cannot be started" in ran.err and "reinstall" in ran.err, ran
    shutil.copy(programs.keyprovider.with_name("ocicrypt-keyprovider-command"), inside)
    ran = processes.run([front, "--version"])
    assert ran.ok and ran.out.startswith("ocicrypt-keyprovider "), ran


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to listen as another user")
def test_a_request_is_not_shown_to_a_service_of_another_user(programs, config, tmp_path):
    """Run as nobody: what listens belongs to root and is trusted; what belongs to a third user is not."""
    tmp_path.chmod(0o755)
    script = ("import os, socket, sys\nos.setuid(65533)\ns = socket.socket(socket.AF_UNIX)\n"
              f"s.bind('{tmp_path}/open/command.sock')\ns.listen()\nprint('up', flush=True)\nsys.stdin.read()\n")
    (tmp_path / "open").mkdir(mode=0o777)
    (tmp_path / "open").chmod(0o777)
    stranger = subprocess.Popen(["/usr/bin/python3", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        stranger.stdout.readline()
        # Root, too, trusts only itself.
        refused(processes.run([programs.keyprovider, "--config", config, "--command-socket",
                               tmp_path / "open" / "command.sock"], stdin=b"{}"), "input-invalid")
    finally:
        stranger.stdin.close()
        stranger.wait()
