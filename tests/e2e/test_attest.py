# SPDX-License-Identifier: Apache-2.0
"""`attest` proves the machine once and shows what the broker made of it; `policy test` shows what a policy would."""

import json
import re

import processes
from broker import allow_tpm


def test_a_machine_that_is_not_enrolled_learns_so(new_broker, new_tpm, new_node):
    node = new_node("node", new_broker(), new_tpm())
    ran = node.verb("attest")
    assert ran.code == 1 and ran.out == ""
    assert re.fullmatch(r"ocicrypt-keyprovider: error: ak-not-enrolled: .*\nocicrypt-keyprovider: hint: on the node: .*\n",
                        ran.err), ran


def test_evidence_type_claims_and_verdict_are_shown_and_nothing_is_released(new_broker, new_tpm, new_node):
    broker, tpm = new_broker(), new_tpm()
    node = new_node("node", broker, tpm)
    broker.enroll("node-1", node.ak_pem())

    ran = node.verb("attest")
    assert ran.code == 0 and ran.err == "", ran
    assert re.search(r"^evidence +tpm$", ran.out, re.M) and re.search(r"^verdict +cpu0 ", ran.out, re.M), ran

    ran = node.verb("attest", "--kbs", broker.url, "--json")
    assert ran.code == 0, ran
    shown = json.loads(ran.out)
    assert shown["broker"] == broker.url and shown["evidence"] == "tpm"
    evidence = shown["claims"]["submods"]["cpu0"]["ear.veraison.annotated-evidence"]
    assert evidence["tpm"]["pcr23"] == tpm.pcr(23)
    assert evidence["tpm"]["ak_name"] == "node-1"
    # The key that the session is bound to, and no secret.
    assert set(evidence["runtime_data_claims"]["tee-pubkey"]) == {"kty", "crv", "alg", "x", "y"}
    assert broker.attestations() == 2 and broker.metric("ocicrypt_kbs_releases_total") == 0


def test_the_broker_named_on_the_command_line_goes_before_the_configured_one(new_broker, new_tpm, new_node):
    node = new_node("node", new_broker(), new_tpm())
    ran = node.verb("attest", "--kbs", "https://127.0.0.1:1")
    assert ran.code == 1 and "kbs-unreachable: https://127.0.0.1:1: " in ran.err, ran


def test_a_policy_that_does_not_parse_is_not_stored(new_broker, tmp_path):
    broker = new_broker()
    policy = json.loads(json.dumps(allow_tpm()))
    policy["anyOf"][0]["allOf"] = []
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(policy))
    ran = processes.run([broker.program, "policy", "set", "broken", path, "--config", broker.config])
    assert ran.code == 1 and f"policy-invalid: {path}: at /anyOf/0/allOf: is empty\n" in ran.err, ran
    assert "broken" not in broker.admin("policy", "list").out
