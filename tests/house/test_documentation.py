# SPDX-License-Identifier: Apache-2.0
"""Manuals, completions and pages say what the programs and the sources say."""

import re

import pytest

import oci
import processes

MANUALS = oci.SOURCE / "docs" / "man"
COMPLETIONS = oci.SOURCE / "packaging" / "completions"
VERBS = {
    "keyprovider": ["", "serve", "attest", "tpm ak", "config explain"],
    "kbs": ["", "init", "serve", "key create", "key list", "key show", "key delete", "key set-policy",
            "policy set", "policy show", "policy list", "policy test", "ak enroll", "ak list", "ak remove"],
}
ALL_VERBS = [(program, verb) for program, verbs in VERBS.items() for verb in verbs]


@pytest.mark.parametrize("program, verb", ALL_VERBS)
def test_manual_and_completion_know_every_verb_and_option(program, verb, programs):
    ran = processes.run([getattr(programs, program), *verb.split(), "--help"])
    assert ran.ok, ran
    manual = (MANUALS / f"ocicrypt-{program}.1.scd").read_text()
    completion = (COMPLETIONS / f"ocicrypt-{program}.bash").read_text()
    assert verb in manual.replace("*", ""), f"the manual does not know {verb}"
    for word in verb.split():
        assert re.search(rf"[ \"]{word}[ \"]", completion), f"the completion does not know {word}"
    options = set(re.findall(r"--[a-z][a-z-]+", ran.out)) - {"--help", "--help-all"}
    for option in options:
        assert option in manual, f"the manual does not know {option} of {verb or 'no verb'}"
        assert option in completion, f"the completion does not know {option} of {verb or 'no verb'}"


@pytest.mark.parametrize("program, verb", ALL_VERBS)
def test_the_help_of_a_verb_names_no_unknown_verb(program, verb, programs):
    """A verb that is added without a line in VERBS above would escape the test before this one."""
    ran = processes.run([getattr(programs, program), *verb.split(), "--help"])
    listed = re.search(r"^(?:Subcommands|SUBCOMMANDS):\n((?:  .*\n)+)", ran.out, re.MULTILINE)
    for name in re.findall(r"^  ([a-z][a-z-]*)", listed.group(1), re.MULTILINE) if listed else []:
        known = f"{verb} {name}".strip()
        assert any(other == known or other.startswith(known + " ") for other in VERBS[program]), known


def test_the_manual_of_the_configuration_knows_every_setting_and_its_default(programs, tmp_path):
    empty = tmp_path / "config.toml"
    empty.write_text("")
    ran = processes.run([programs.keyprovider, "config", "explain", "--config", empty])
    assert ran.ok, ran
    manual = (MANUALS / "ocicrypt-keyprovider.toml.5.scd").read_text()
    section, settings = None, 0
    for line in ran.out.splitlines():
        if heading := re.match(r"\[(\w+)\]", line):
            section = manual.split(f"# [{heading[1]}]", 1)[1].split("\n# ", 1)[0]
        elif setting := re.match(r"(\w+)\s*=\s*(\"[^\"]*\"|\S+)", line):
            settings += 1
            assert f"*{setting[1]}*" in section, f"{setting[1]} is not in the manual"
            if setting[2] not in ('""', "false"):
                assert f"*{setting[1]}* = {setting[2]}" in section, f"the default of {setting[1]} is {setting[2]}"
    assert settings > 20, ran


def test_the_manual_of_the_broker_knows_every_key_that_init_writes(programs, tmp_path):
    processes.succeed([programs.kbs, "init", tmp_path / "kbs"])
    manual = (MANUALS / "ocicrypt-kbs.toml.5.scd").read_text()
    keys = re.findall(r"^(\w+) = ", (tmp_path / "kbs" / "kbs.toml").read_text(), re.MULTILINE)
    assert len(keys) > 8
    for key in keys:
        assert f"*{key}*" in manual, f"{key} is not in the manual"


def test_the_page_of_errors_is_what_the_registry_says():
    processes.succeed([oci.SOURCE / "tools" / "generate-errors", "--check"])


def test_links_between_pages_lead_somewhere():
    pages = [page for page in oci.SOURCE.rglob("*.md") if "build" not in page.relative_to(oci.SOURCE).parts[0]]
    assert len(pages) > 10
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.relative_to(oci.SOURCE)} links to {target}"
