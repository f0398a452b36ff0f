# SPDX-License-Identifier: Apache-2.0
"""What every Python test may use: the modules of tests/support, the build folder, its programs."""

import os
import pathlib
import sys
import types

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))

import oci  # noqa: E402


@pytest.fixture(scope="session")
def build_folder():
    return pathlib.Path(os.environ.get("BUILD_DIR", oci.SOURCE / "build"))


@pytest.fixture(scope="session")
def programs(build_folder):
    """The two programs of this project."""
    found = types.SimpleNamespace(keyprovider=build_folder / "keyprovider" / "ocicrypt-keyprovider",
                                  kbs=build_folder / "kbs" / "ocicrypt-kbs")
    for program in vars(found).values():
        assert program.exists(), f"{program} is not built; set BUILD_DIR"
    return found
