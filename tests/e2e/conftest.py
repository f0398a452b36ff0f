# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests stand on: real programs from BUILD_DIR, a real skopeo, a software TPM, a local registry.

Everything lives in pytest's temporary folder and on the loopback interface, and ends with the tests.
"""

import pytest

import oci
from broker import Broker, allow_tpm
from node import Node
from registry import Registry
from swtpm import SoftwareTpm


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    """A plain image of three layers."""
    return oci.build_image(tmp_path_factory.mktemp("image") / "plain")


@pytest.fixture(scope="session")
def broker(programs, tmp_path_factory):
    """A broker whose policy `any-tpm` accepts every enrolled TPM."""
    running = Broker(programs.kbs, tmp_path_factory.mktemp("broker") / "kbs").start()
    running.set_policy("any-tpm", allow_tpm())
    yield running
    running.stop()


@pytest.fixture
def new_broker(programs, tmp_path):
    """Makes brokers that one test may stop, break or configure otherwise."""
    started = []

    def make(name="kbs", configure=lambda config: config):
        fresh = Broker(programs.kbs, tmp_path / name)
        fresh.config.write_text(configure(fresh.config.read_text()))
        started.append(fresh)
        fresh.start()
        fresh.set_policy("any-tpm", allow_tpm())
        return fresh

    yield make
    for running in started:
        running.stop()


@pytest.fixture(scope="session")
def tpm(tmp_path_factory):
    """The TPM of the machine `enrolled`. Tests that change a PCR reboot it afterwards."""
    running = SoftwareTpm(tmp_path_factory.mktemp("tpm"))
    yield running
    running.stop()


@pytest.fixture
def new_tpm(tmp_path):
    started = []

    def make(name="tpm"):
        started.append(SoftwareTpm(tmp_path / name))
        return started[-1]

    yield make
    for running in started:
        running.stop()


@pytest.fixture
def new_node(programs, tmp_path):
    """Makes nodes: new_node("name", broker, tpm, kbs__timeout_seconds=1)."""
    made = []

    def make(name, broker, tpm=None, *, url=None, ca=None, **settings):
        node = Node(programs.keyprovider, tmp_path / name, url or broker.url, ca or broker.ca, tpm, **settings)
        made.append(node)
        return node

    yield make
    for node in made:
        node.stop()


@pytest.fixture(scope="session")
def enrolled_ak(programs, broker, tpm, tmp_path_factory):
    """Enrols the TPM `tpm` in `broker`, once."""
    node = Node(programs.keyprovider, tmp_path_factory.mktemp("enrolment"), broker.url, broker.ca, tpm)
    broker.enroll("node-1", node.ak_pem())


@pytest.fixture
def publisher(new_node, broker):
    """Encrypts images and may create keys in the broker; has no TPM."""
    return new_node("publisher", broker, publish__key_file=str(broker.publisher_key), publish__policy="any-tpm")


@pytest.fixture
def node(new_node, broker, tpm, enrolled_ak):
    """Runs images: its TPM is enrolled in the broker."""
    return new_node("node", broker, tpm)


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    running = Registry(tmp_path_factory.mktemp("registry") / "registry")
    yield running
    running.stop()
