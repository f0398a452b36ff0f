# SPDX-License-Identifier: Apache-2.0
"""The guest never knows the verifier and the broker never knows the collector: such an #include does not compile."""

import json
import pathlib
import shlex
import subprocess

import pytest

from oci import SOURCE


def compile_with(build_folder, program, line, tmp_path):
    """Compiles `line` in the place of every source of `program`; returns (source, exit code, stderr) for each."""
    commands = json.loads((build_folder / "compile_commands.json").read_text())
    folder = (SOURCE / program / "src").resolve()
    results = []
    for entry in commands:
        source = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if folder not in source.parents:
            continue
        # Only the include search matters, so the line stands alone: no other error can hide it, and it is quick.
        changed = tmp_path / source.name
        changed.write_text(line + "\n")
        command = shlex.split(entry["command"])
        command[command.index(entry["file"])] = str(changed)
        output = command.index("-o")
        del command[output:output + 2]
        if "-MF" in command:
            dependency = command.index("-MF")
            del command[dependency:dependency + 2]
        command = [word for word in command if word not in ("-MD", "-c") and not word.startswith("-MQ")]
        if entry["output"] in command:
            command.remove(entry["output"])
        # -iquote: what the real source finds beside itself.
        ran = subprocess.run([*command, "-iquote", str(source.parent), "-fsyntax-only"], cwd=entry["directory"],
                             capture_output=True, text=True, check=False)
        results.append((source.name, ran.returncode, ran.stderr))
    assert results, f"{build_folder}/compile_commands.json names no source of {program}"
    return results


@pytest.mark.parametrize("program, allowed", [
    ("keyprovider", "kbs_client/client.h"),
    ("kbs", "attestation/verify/tpm.h"),
])
def test_an_include_in_the_right_direction_compiles(program, allowed, build_folder, tmp_path):
    results = compile_with(build_folder, program, f'#include "{allowed}"', tmp_path)
    assert any(code == 0 for _, code, _ in results), results


@pytest.mark.parametrize("program, forbidden", [
    ("keyprovider", "attestation/verify/tpm.h"),
    ("keyprovider", "attestation/verify/verdict.h"),
    ("kbs", "attestation/collect/tpm.h"),
    ("kbs", "attestation/collect/attester.h"),
    ("kbs", "ocicrypt/keyprovider_protocol.h"),
])
def test_an_include_in_the_wrong_direction_does_not_compile(program, forbidden, build_folder, tmp_path):
    library, header = forbidden.rsplit("/", 1)
    assert (SOURCE / library / "include" / library / header).exists(), "the forbidden header must exist to forbid it"
    for source, code, errors in compile_with(build_folder, program, f'#include "{forbidden}"', tmp_path):
        assert code != 0, f"{program}/src/{source} may include {forbidden}"
        assert f"{forbidden}: No such file or directory" in errors or f"'{forbidden}' file not found" in errors, errors
