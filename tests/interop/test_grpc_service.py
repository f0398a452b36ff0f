# SPDX-License-Identifier: Apache-2.0
"""`ocicrypt-keyprovider serve` as gRPC clients and a service manager see it: listeners, TLS, limits, health, drain."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

grpc = pytest.importorskip("grpc")

import grpc_client  # noqa: E402
import processes  # noqa: E402
from broker import Broker, allow_tpm  # noqa: E402
from node import Node, to_toml  # noqa: E402
from swtpm import SoftwareTpm  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD_DIR", SOURCE / "build"))
PROGRAM = BUILD / "keyprovider" / "ocicrypt-keyprovider"
LAYER = '{"symkey":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","digest":"","cipheroptions":{}}'
PACKET = b'{"kid":"kbs:///a/b/c","wrapped_data":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","iv":"AAAAAAAAAAAAAAAA","wrap_type":"A256GCM"}'
SERVING, NOT_SERVING = 1, 2


class Service:
    """A `serve` in a folder of its own."""

    def __init__(self, folder, *arguments, kbs=None, publish=None, command=None, env=None, preexec=None, ready=None, **serve):
        self.folder = folder
        self.socket = folder / "provider.sock"
        self.target = f"unix://{self.socket}"
        sections = {"serve": {"listen": self.target, "command_socket": str(folder / "command.sock"),
                              **{name: str(value) for name, value in serve.items()}},
                    "attester": {"type": "none"}}
        for name, section in (("kbs", kbs), ("publish", publish), ("command", command)):
            if section:
                sections[name] = section
        config = folder / "config.toml"
        config.write_text(to_toml(sections))
        self.argv = [PROGRAM, "serve", "--config", config, *arguments]
        self.env = env
        self.log = folder / "serve.log"
        self.ready = ready or (lambda: self.log.exists() and "event=serving" in self.log.read_text())
        self.daemon = None

    def start(self):
        self.log.unlink(missing_ok=True)
        self.daemon = processes.Daemon(self.argv, self.log, self.ready, env=self.env)
        return self

    def refused(self):
        """The output of a service that must not start."""
        ran = processes.run(self.argv, env=self.env, timeout=10)
        assert ran.code == 1, ran
        return ran.err

    def addresses(self):
        return re.findall(r"event=serving address=(\S+)", self.log.read_text())

    def port(self):
        """The one TCP port that the system chose."""
        found = [address.rsplit(":", 1)[1] for address in self.addresses() if not address.startswith("unix")]
        assert len(found) == 1, self.addresses()
        return int(found[0])

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.daemon.stop()


@pytest.fixture
def service(tmp_path):
    with Service(tmp_path) as running:
        yield running


@pytest.fixture
def caller(service):
    with grpc_client.Caller(service.target) as made:
        yield made


class SlowBroker:
    """Takes connections and lets go of them only when it is told to."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._held = []
        self._stopped = False
        self.asked = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._held.append(connection)
                self.asked.set()

    def let_go(self):
        self._listener.close()
        for connection in self._held:
            connection.close()


@pytest.fixture
def slow(tmp_path):
    """A service whose broker does not answer, and that broker."""
    key = tmp_path / "publisher.key"
    processes.succeed(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key])
    broker = SlowBroker()
    service = Service(tmp_path, kbs={"url": f"http://127.0.0.1:{broker.port}", "allow_http": True, "timeout_seconds": 60},
                      publish={"key_file": str(key)}, command={"deadline_seconds": 30})
    with service:
        yield service, broker
        broker.let_go()


def slow_call(caller, broker):
    """A call that is in the middle of its work."""
    running = caller.start("WrapKey", grpc_client.wrap_request(LAYER, "keyid=kbs:///a/b/c"), timeout=60)
    assert broker.asked.wait(10)
    return running


# Listening


def test_the_socket_is_for_its_owner_only(service):
    mode = os.stat(service.socket).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600


def test_a_socket_left_behind_by_a_killed_service_is_replaced(tmp_path):
    first = Service(tmp_path).start()
    first.daemon.kill()
    assert first.socket.exists()
    with Service(tmp_path) as second, grpc_client.Caller(second.target) as caller:
        assert caller.health() == SERVING


def test_a_living_service_keeps_its_socket(service, caller):
    ran = processes.run(service.argv, timeout=10)
    assert ran.code == 1
    assert f"file-unwritable: {service.socket}: another process serves this socket" in ran.err
    assert caller.health() == SERVING


def test_a_socket_that_another_program_answers_is_left_alone(tmp_path):
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "provider.sock"))
        other.listen()
        assert "another process serves this socket" in Service(tmp_path).refused()
        assert (tmp_path / "provider.sock").exists()


def test_a_file_in_the_place_of_the_socket_is_left_alone(tmp_path):
    (tmp_path / "provider.sock").write_text("not a socket")
    assert "file-unwritable" in Service(tmp_path).refused()
    assert (tmp_path / "provider.sock").read_text() == "not a socket"


def test_loopback_ports_need_no_tls(tmp_path):
    with Service(tmp_path, listen="127.0.0.1:0") as service:
        for host in ("127.0.0.1", "localhost"):
            with grpc_client.Caller(f"{host}:{service.port()}") as caller:
                assert caller.health() == SERVING


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:50051"])
def test_other_ports_are_refused_without_tls(address, tmp_path):
    errors = Service(tmp_path, listen=address).refused()
    assert errors.startswith(f"ocicrypt-keyprovider: error: config-invalid: listen address {address}: keys would cross the network in clear")
    assert "hint: set [serve] tls_certificate" in errors


@pytest.mark.parametrize("address", ["50051", "example.com:1", "127.0.0.1:65536", "127.0.0.1:", "::1:1", "unix:relative",
                                     "unix:///", "unix-abstract:", "http://127.0.0.1:1", "unix:///a,"])
def test_addresses_that_mean_nothing_are_refused(address, tmp_path):
    assert Service(tmp_path, "--listen", address).refused().startswith("ocicrypt-keyprovider: error: config-invalid: ")


def test_several_addresses_may_be_given(tmp_path):
    name = f"unix-abstract:ocicrypt-test-{os.getpid()}"
    listen = ["--listen", "127.0.0.1:0", "--listen", f"unix://{tmp_path}/second.sock", "--listen", name]
    with Service(tmp_path, *listen) as service:
        for target in (f"127.0.0.1:{service.port()}", f"unix:{tmp_path}/second.sock", name):
            with grpc_client.Caller(target) as caller:
                assert caller.health("keyprovider.KeyProviderService") == SERVING


def test_a_port_that_is_taken_is_not_shared(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert f"net-failed: cannot listen on {address}: Address already in use" in Service(tmp_path, listen=address).refused()


# TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A CA, a server and a client certificate of it, and a client certificate that a stranger signed."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments):
        processes.succeed(["openssl", *arguments], cwd=folder)

    for ca in ("ca", "stranger-ca"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{ca}.key", "-out",
                f"{ca}.pem", "-subj", f"/CN={ca}", "-days", "1")
    for name, ca in (("server", "ca"), ("client", "ca"), ("stranger", "stranger-ca")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.csr", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial", "-copy_extensions",
                "copy", "-days", "1", "-out", f"{name}.pem")
    return folder


def credentials(folder, client=None):
    return grpc.ssl_channel_credentials((folder / "ca.pem").read_bytes(),
                                        (folder / f"{client}.key").read_bytes() if client else None,
                                        (folder / f"{client}.pem").read_bytes() if client else None)


def test_with_tls_any_address_may_be_opened(tmp_path, certificates):
    with Service(tmp_path, listen="0.0.0.0:0", tls_certificate=certificates / "server.pem",
                 tls_key=certificates / "server.key") as service:
        with grpc_client.Caller(f"127.0.0.1:{service.port()}", credentials(certificates)) as caller:
            assert caller.health() == SERVING
        with grpc_client.Caller(f"127.0.0.1:{service.port()}") as caller, pytest.raises(grpc.RpcError):
            caller.health()
        assert "callers_not_authenticated" in service.daemon.output()


def test_with_a_client_ca_only_its_clients_get_through(tmp_path, certificates):
    with Service(tmp_path, listen="0.0.0.0:0", tls_certificate=certificates / "server.pem",
                 tls_key=certificates / "server.key", tls_client_ca=certificates / "ca.pem") as service:
        target = f"127.0.0.1:{service.port()}"
        with grpc_client.Caller(target, credentials(certificates, "client")) as caller:
            assert caller.health() == SERVING
        for client in (None, "stranger"):
            with grpc_client.Caller(target, credentials(certificates, client)) as caller:
                with pytest.raises(grpc.RpcError) as failure:
                    caller.health()
                assert failure.value.code() == grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("files, text", [
    ({"tls_certificate": "server.pem"}, "TLS needs both"),
    ({"tls_key": "server.key"}, "TLS needs both"),
    ({"tls_client_ca": "ca.pem"}, "TLS needs both"),
    ({"tls_certificate": "server.pem", "tls_key": "client.key"}, "is not the key of the first certificate"),
    ({"tls_certificate": "server.key", "tls_key": "server.key"}, "server.key: "),
    ({"tls_certificate": "server.pem", "tls_key": "server.pem"}, "server.pem: "),
    ({"tls_certificate": "server.pem", "tls_key": "server.key", "tls_client_ca": "ca.key"}, "ca.key: "),
])
def test_tls_files_that_do_not_fit_are_named(files, text, tmp_path, certificates):
    errors = Service(tmp_path, **{name: certificates / file for name, file in files.items()}).refused()
    assert errors.startswith("ocicrypt-keyprovider: error: config-invalid: ") and text in errors


# Bad input


@pytest.mark.parametrize("content", [b"", b"\0", b"not JSON", b"[]", b"{}", b'{"op":"keysteal"}', b'{"op":"keyunwrap"}', b"\xff\xfe",
                                     b"[" * 100_000, b'{"op":"keywrap","op":"keyunwrap"}'],
                         ids=["empty", "nul", "text", "array", "object", "operation", "no-params", "not-utf8", "deep", "duplicate"])
@pytest.mark.parametrize("method", ["WrapKey", "UnWrapKey"])
def test_bad_input_is_an_invalid_argument_and_the_service_goes_on(method, content, caller):
    code, text = caller.refused(method, content)
    assert code == grpc.StatusCode.INVALID_ARGUMENT, text
    assert re.fullmatch(r"[a-z-]+: [^\n]+; hint: [^\n]+", text)
    assert caller.health() == SERVING


def test_a_message_of_17_mib_is_refused(caller):
    code, _ = caller.refused("UnWrapKey", b" " * (17 << 20))
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert caller.health() == SERVING


def test_a_message_of_nearly_16_mib_is_read(caller):
    request = grpc_client.unwrap_request(PACKET)
    code, text = caller.refused("UnWrapKey", request[:-1] + b" " * ((16 << 20) - len(request)) + b"}")
    assert code == grpc.StatusCode.FAILED_PRECONDITION and text.startswith("kbs-not-configured: ")


@pytest.mark.parametrize("bytes_", [b"\x0a\x05abc", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\xff"])
def test_bytes_that_are_no_message_are_refused(bytes_, caller):
    with pytest.raises(grpc.RpcError):
        caller.channel.unary_unary("/keyprovider.KeyProviderService/WrapKey", bytes, bytes)(bytes_, timeout=5)
    assert caller.health() == SERVING


def test_bytes_that_are_no_http2_do_not_stop_the_service(service, caller):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(service.socket))
        peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        assert caller.health() == SERVING


def test_there_is_no_reflection_and_no_other_method(caller):
    for method in ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "/keyprovider.KeyProviderService/Other"):
        with pytest.raises(grpc.RpcError) as failure:
            caller.channel.unary_unary(method, grpc_client.field_1, bytes)(b"", timeout=5)
        assert failure.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_failure_says_what_and_what_to_do(caller):
    code, text = caller.refused("UnWrapKey", grpc_client.unwrap_request(PACKET))
    assert code == grpc.StatusCode.FAILED_PRECONDITION
    assert re.fullmatch(r"kbs-not-configured: .+; hint: set \[kbs\] url .+ \(request [A-Za-z0-9-]+\)", text)


def test_nothing_of_a_request_is_logged(service, caller):
    secret = "c2VjcmV0LW9mLXRoZS1sYXllcg"
    caller.refused("WrapKey", grpc_client.wrap_request(f'{{"symkey":"{secret}"}}', "keyid=kbs:///a/b/c"))
    caller.refused("WrapKey", secret.encode())
    assert "request_failed" in service.daemon.output()
    assert secret not in service.daemon.output()


# Time


def test_a_call_ends_at_the_deadline_of_the_service(tmp_path):
    key = tmp_path / "publisher.key"
    processes.succeed(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key])
    broker = SlowBroker()
    with Service(tmp_path, kbs={"url": f"http://127.0.0.1:{broker.port}", "allow_http": True, "timeout_seconds": 60},
                 publish={"key_file": str(key)}, command={"deadline_seconds": 1}) as service:
        with grpc_client.Caller(service.target) as caller:
            began = time.monotonic()
            code, text = caller.refused("WrapKey", grpc_client.wrap_request(LAYER, "keyid=kbs:///a/b/c"))
            assert code == grpc.StatusCode.DEADLINE_EXCEEDED and text.startswith("deadline-exceeded: no answer within 1 s; hint: ")
            assert time.monotonic() - began < 5
            broker.let_go()


def test_a_stopping_service_finishes_the_call_and_says_not_serving(slow):
    service, broker = slow
    with grpc_client.Caller(service.target) as caller, grpc_client.Caller(service.target) as watcher:
        states = watcher.watch_health()
        assert next(states) == SERVING
        running = slow_call(caller, broker)
        service.daemon.signal(signal.SIGTERM)
        assert next(states) == NOT_SERVING
        assert not service.socket.exists()
        assert not running.done()

        code, text = caller.refused("UnWrapKey", grpc_client.unwrap_request(PACKET))
        assert code == grpc.StatusCode.UNAVAILABLE and text.startswith("overloaded: ")
        broker.let_go()
        with pytest.raises(grpc.RpcError) as answered:
            running.result(timeout=10)
        # The broker's failure, not ours.
        assert re.match(r"(net-failed|kbs-unreachable|kbs-[a-z]+): ", answered.value.details())
        assert service.daemon.wait() == 0
        assert "event=stopped" in service.daemon.output()


def test_a_service_that_hangs_still_stops(slow):
    service, broker = slow
    with grpc_client.Caller(service.target) as caller:
        slow_call(caller, broker)
        began = time.monotonic()
        service.daemon.signal(signal.SIGINT)
        assert service.daemon.wait(20) == 1
        assert 9 < time.monotonic() - began < 16
        assert "calls_cut_off" in service.daemon.output()


def test_the_sockets_are_gone_after_a_stop(service):
    service.daemon.stop()
    assert service.daemon.process.returncode == 0
    assert not service.socket.exists() and not (service.folder / "command.sock").exists()


def test_a_client_that_goes_away_leaves_nothing_behind(slow):
    service, broker = slow
    with grpc_client.Caller(service.target) as caller:
        slow_call(caller, broker).cancel()
    broker.let_go()
    with grpc_client.Caller(service.target) as caller:
        assert caller.health() == SERVING
    assert service.daemon.stop() == 0


# One session


def test_sixteen_calls_at_once_cost_one_attestation(tmp_path):
    tpm = SoftwareTpm(tmp_path / "tpm")
    broker = Broker(BUILD / "kbs" / "ocicrypt-kbs", tmp_path / "kbs").start()
    node = Node(PROGRAM, tmp_path / "node", broker.url, broker.ca, tpm, publisher_key=broker.publisher_key,
                publish__policy="any-tpm")
    try:
        broker.set_policy("any-tpm", allow_tpm())
        broker.enroll("node", node.ak_pem())
        node.serve()
        target = f"unix://{node.folder}/provider.sock"
        with grpc_client.Caller(target) as caller:
            packet = grpc_client.annotation_of(
                caller.call("WrapKey", grpc_client.wrap_request(LAYER, "keyid=kbs:///grpc/kek/one")))
        assert broker.attestations() == 0, "a publisher need not attest"

        callers = [grpc_client.Caller(target) for _ in range(16)]
        running = [caller.start("UnWrapKey", grpc_client.unwrap_request(packet)) for caller in callers]
        for call, caller in zip(running, callers):
            assert grpc_client.options_of(call.result()) == LAYER.encode()
            caller.close()
        assert broker.attestations() == 1
    finally:
        node.stop()
        broker.stop()
        tpm.stop()


# systemd


def listening_unix(path):
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(path))
    made.listen()
    return made


def start_with_sockets(service, sockets, names, ready):
    """What systemd does: the sockets become descriptors 3 and up, and LISTEN_PID is the new process."""
    script = ('import os, sys\n'
              'fds = [int(fd) for fd in sys.argv[1].split(",")]\n'
              'moved = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]\n'
              'for i, fd in enumerate(moved): os.dup2(fd, 3 + i, inheritable=True)\n'
              'os.closerange(3 + len(moved), 200)\n'
              'os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(moved)), LISTEN_FDNAMES=sys.argv[2])\n'
              'os.execv(sys.argv[3], sys.argv[3:])\n')
    argv = [sys.executable, "-c", script, ",".join(str(made.fileno()) for made in sockets), ":".join(names),
            *map(str, service.argv)]
    output = open(service.log, "ab")
    process = subprocess.Popen(argv, pass_fds=[made.fileno() for made in sockets], stdin=subprocess.DEVNULL, stdout=output,
                               stderr=output, env=processes.environment(service.env))
    output.close()
    deadline = time.monotonic() + 10
    while ready and not ready() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return process


def test_sockets_of_systemd_are_served_and_left_in_place(tmp_path):
    service = Service(tmp_path)
    grpc_path, command_path = tmp_path / "inherited.sock", tmp_path / "inherited-command.sock"
    with listening_unix(grpc_path) as for_grpc, listening_unix(command_path) as for_command:
        process = start_with_sockets(service, [for_grpc, for_command], ["grpc", "command"], service.ready)
        try:
            assert service.addresses() == [f"unix://{grpc_path}"]
            assert not service.socket.exists() and not (tmp_path / "command.sock").exists()
            with grpc_client.Caller(f"unix://{grpc_path}") as caller:
                assert caller.health() == SERVING
                code, _ = caller.refused("UnWrapKey", b"x")
                assert code == grpc.StatusCode.INVALID_ARGUMENT
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(command_path))
                client.sendall(grpc_client.unwrap_request(PACKET))
                client.shutdown(socket.SHUT_WR)
                assert client.recv(4096).startswith(b"error\nkbs-not-configured: ")
        finally:
            process.terminate()
        assert process.wait(15) == 0
        assert grpc_path.exists() and command_path.exists()


def test_a_datagram_socket_of_systemd_is_refused(tmp_path):
    service = Service(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wrong:
        wrong.bind(str(tmp_path / "datagram"))
        assert start_with_sockets(service, [wrong], ["grpc"], None).wait(10) == 1
    assert "config-invalid: inherited descriptor 3 is not a listening stream socket" in service.log.read_text()


def test_a_socket_of_systemd_with_another_name_is_refused(tmp_path):
    service = Service(tmp_path)
    with listening_unix(tmp_path / "x.sock") as made:
        assert start_with_sockets(service, [made], ["other"], None).wait(10) == 1
    assert 'config-invalid: inherited socket "other"' in service.log.read_text()


def test_a_tcp_socket_of_systemd_beyond_loopback_is_refused_without_tls(tmp_path):
    service = Service(tmp_path)
    with socket.create_server(("0.0.0.0", 0)) as made:
        assert start_with_sockets(service, [made], ["grpc"], None).wait(10) == 1
    assert "keys would cross the network in clear" in service.log.read_text()


def test_sockets_meant_for_another_process_are_not_taken(tmp_path):
    with Service(tmp_path, env={"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "grpc"}) as service:
        assert service.addresses() == [service.target]


@pytest.mark.parametrize("abstract", [False, True])
def test_the_service_manager_is_told(abstract, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        name = f"\0ocicrypt-notify-{os.getpid()}" if abstract else str(tmp_path / "notify")
        manager.bind(name)
        manager.settimeout(10)
        with Service(tmp_path, env={"NOTIFY_SOCKET": name.replace("\0", "@")}) as service:
            assert manager.recv(100) == b"READY=1"
            service.daemon.signal(signal.SIGTERM)
            assert manager.recv(100) == b"STOPPING=1"


# Usage


def test_an_unknown_flag_is_a_usage_error():
    ran = processes.run([PROGRAM, "serve", "--lisen", "x"])
    assert ran.code == 2 and ran.err.startswith("ocicrypt-keyprovider: error: usage: ")


def test_help_names_listen():
    ran = processes.run([PROGRAM, "serve", "--help"])
    assert ran.ok and "--listen" in ran.out
