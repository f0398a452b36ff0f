# SPDX-License-Identifier: Apache-2.0
"""A real ocicrypt-kbs: made by `init`, administered by its own verbs, served on the loopback interface."""

import json
import pathlib
import ssl
import urllib.request

import processes


def allow_tpm(**pcrs):
    """A release policy: any enrolled TPM whose PCRs hold these values, as in allow_tpm(pcr23='00...')."""
    conditions = [{"claim": "tee", "equals": "tpm"}]
    conditions += [{"claim": f"tpm.{pcr}", "equals": value} for pcr, value in sorted(pcrs.items())]
    return {"version": "1.0.0", "anyOf": [{"authority": "ocicrypt-kbs", "allOf": conditions}]}


def set_toml(text, section, key, value):
    """A TOML text with one key of one section set."""
    lines = text.splitlines()
    start = lines.index(f"[{section}]") + 1
    end = next((i for i in range(start, len(lines)) if lines[i].startswith("[")), len(lines))
    kept = [line for line in lines[start:end] if line.split("=")[0].strip() != key]
    return "\n".join(lines[:start] + [f"{key} = {json.dumps(value)}"] + kept + lines[end:]) + "\n"


class Broker:
    def __init__(self, program, folder):
        self.program = pathlib.Path(program)
        self.folder = pathlib.Path(folder)
        self.port = processes.free_ports()
        self.url = f"https://127.0.0.1:{self.port}"
        self.daemon = None
        processes.succeed([program, "init", self.folder, "--listen", f"127.0.0.1:{self.port}"])
        self.config = self.folder / "kbs.toml"
        self.ca = self.folder / "ca.pem"
        self.publisher_key = self.folder / "publisher.key"

    def start(self):
        self.daemon = processes.Daemon([self.program, "serve", "--config", self.config], self.folder / "serve.log",
                                       processes.accepts_tcp(self.port))
        return self

    def stop(self):
        if self.daemon:
            self.daemon.stop()
            self.daemon = None

    def log(self):
        return (self.folder / "serve.log").read_text()

    def admin(self, *arguments, stdin=b""):
        """One of the administrator's verbs, which must succeed: broker.admin("key", "list")."""
        return processes.succeed([self.program, *arguments, "--config", self.config], stdin=stdin)

    def set_policy(self, name, policy):
        path = self.folder / f"{name}.policy.json"
        path.write_text(json.dumps(policy, indent=2))
        self.admin("policy", "set", name, path)

    def create_key(self, kid, *options):
        self.admin("key", "create", kid, *options)

    def delete_key(self, kid):
        self.admin("key", "delete", kid)

    def enroll(self, name, ak_pem):
        path = self.folder / f"{name}.ak.pem"
        path.write_text(ak_pem)
        self.admin("ak", "enroll", name, path)

    def dismiss(self, name):
        self.admin("ak", "remove", name)

    def get(self, path):
        trust = ssl.create_default_context(cafile=str(self.ca))
        with urllib.request.urlopen(self.url + path, context=trust, timeout=10) as answer:
            return answer.read().decode()

    def metric(self, name, **labels):
        """The sum of a counter over all its samples that have these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(float(line.rsplit(" ", 1)[1]) for line in self.get("/metrics").splitlines()
                   if line.startswith((name + " ", name + "{")) and all(label in line for label in wanted))

    def attestations(self):
        """How many times a node has proved itself since the broker started."""
        return self.metric("ocicrypt_kbs_requests_total", endpoint="attest", status="200")
