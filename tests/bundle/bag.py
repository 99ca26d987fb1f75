"""What tamper.py and unsigned.py share: a bundle's manifests written anew as a forger would, the standard tools, and `verify`."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess

MANIFEST, TAG_MANIFEST, INFO = "manifest-sha256.txt", "tagmanifest-sha256.txt", "bag-info.txt"
SIGNATURE, STAMP, STAMP_REQUEST = TAG_MANIFEST + ".sig", TAG_MANIFEST + ".tsr", TAG_MANIFEST + ".tsq"
NAMESPACE = "pixelwitness"

# The commands that a stranger is told to run in the bundle's folder, as they stand, but for the paths that are the stranger's own.
COMMANDS = {
    "sha256sum": f"sha256sum -c {MANIFEST} {TAG_MANIFEST}",
    "bagit": '"$BAGIT" --validate .',
    "ssh-keygen": f'ssh-keygen -Y verify -f "$SIGNERS" -I "$WHO" -n {NAMESPACE} -s {SIGNATURE} < {TAG_MANIFEST}',
    "openssl": f'openssl ts -verify -data {TAG_MANIFEST} -in {STAMP} -CAfile "$CA"',
}


def copy(bundle, to):
    """A fresh copy, links as links."""
    shutil.copytree(bundle, to, symlinks=True)
    return to


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lines(path):
    return path.read_text().splitlines(keepends=True)


def listed(manifest):
    """The names in a manifest, in its order."""
    return [line.split(maxsplit=1)[1].rstrip("\n") for line in lines(manifest)]


def rehash(bag, with_manifest=True):
    """Makes every sum true again, as anyone can who edits a bundle: the manifest of what is in data/, the size and count in
    bag-info.txt, and the tag manifest over the tag files that it lists."""
    if with_manifest:
        payload = sorted(path for path in (bag / "data").rglob("*") if path.is_file())
        manifest = "".join(f"{digest(path)}  {path.relative_to(bag)}\n" for path in payload)
        (bag / MANIFEST).write_text(manifest)
        oxum = f"{sum(path.stat().st_size for path in payload)}.{len(payload)}"
        info = (bag / INFO).read_text()
        (bag / INFO).write_text(re.sub(r"(?m)^Payload-Oxum:.*$", f"Payload-Oxum: {oxum}", info))
    kept = [name for name in listed(bag / TAG_MANIFEST) if (bag / name).is_file()]
    (bag / TAG_MANIFEST).write_text("".join(f"{digest(bag / name)}  {name}\n" for name in kept))


# How JSON may have been laid out: an edit must change what it changes, and nothing else.
LAYOUTS = [{"separators": (",", ":")}, {"indent": 2}, {}]


def edit_json(path, change):
    text = path.read_text()
    value = json.loads(text)
    end = "\n" if text.endswith("\n") else ""
    layouts = (how for how in LAYOUTS if json.dumps(value, ensure_ascii=False, **how) + end == text)
    how = next(layouts, {"indent": 2})
    change(value)
    path.write_text(json.dumps(value, ensure_ascii=False, **how) + end)


def edit_records(path, change):
    """`change` gets the records of a JSON Lines file as a list; what it leaves in it is written back. A record that is as it was
    keeps the bytes of its line."""
    read = [(line, json.loads(line)) for line in lines(path)]
    before = {id(record): (line, json.dumps(record)) for line, record in read}
    records = [record for _, record in read]
    change(records)
    written = []
    for record in records:
        line, was = before.get(id(record), ("", None))
        same = json.dumps(record) == was
        written.append(line if same else json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
    path.write_text("".join(written))


class Tools:
    """The standard tools, with whom a stranger trusts."""

    def __init__(self, bagit, signers=None, who=None, ca=None, names=tuple(COMMANDS)):
        self.names = names
        self.env = os.environ | {"BAGIT": str(bagit), "SIGNERS": str(signers), "WHO": str(who), "CA": str(ca)}

    def refusing(self, bag):
        """Which of them refuse the bag."""
        return {name for name in self.names if not self.accepts(name, bag)}

    def accepts(self, name, bag):
        try:
            done = subprocess.run(
                ["sh", "-c", COMMANDS[name]], cwd=bag, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, timeout=60
            )
        except subprocess.TimeoutExpired:
            return False
        # "not found" and "cannot be run" are not refusals: they would make every bundle look refused.
        if done.returncode in (126, 127):
            raise SystemExit(f"{name} could not be run: {done.stderr.decode(errors='replace').strip()}")
        return done.returncode == 0


class Verdict:
    """What `pixelwitness verify` makes of a bag, asked twice: for people, and with --json."""

    CODES = {"verified": 0, "tampered": 1, "incomplete": 3, "inconclusive": 3}

    def __init__(self, pixelwitness, bag, options=()):
        self.code, self.text = self.run([pixelwitness, "verify", bag, *options])
        self.json_code, self.json_text = self.run([pixelwitness, "verify", bag, *options, "--json"], errors=False)
        try:
            self.json = json.loads(self.json_text)
        except ValueError:
            self.json = None

    @staticmethod
    def run(command, errors=True):
        try:
            done = subprocess.run(list(map(os.fspath, command)), stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        except subprocess.TimeoutExpired:
            return None, "(no answer in 120 s)"
        said = done.stdout + (done.stderr if errors else b"")
        return done.returncode, said.decode(errors="backslashreplace")

    def names(self, name):
        """Whether the text names the file: as a whole path, not as a part of another."""
        return re.search(rf"(?<![\w./-]){re.escape(name)}(?![\w-]|\.\w)", self.text) is not None

    def json_names(self, name):
        return any(
            file == name or file.startswith(name + "/") or name in check.get("says", "")
            for check in self.json["checks"]
            if check["outcome"] in ("failed", "incomplete", "inconclusive")
            for file in [*check.get("files", []), ""]
        )

    def faults(self, codes, names):
        """What is not as expected: one of the exit codes, and one of the names (none need be where there are none)."""
        faults = []
        expected = " or ".join(map(str, codes))
        if self.code not in codes:
            faults.append(f"exit code {self.code}, expected {expected}")
        if re.search(r"panicked at|RUST_BACKTRACE", self.text):
            faults.append("it panicked")
        # A bundle comes from a stranger: a name in it must not steer the terminal.
        if "\x1b" in self.text:
            faults.append("an escape character reached the terminal")
        if names and not any(map(self.names, names)):
            faults.append(f"does not name {' or '.join(names)}")
        if self.code == 2 and 2 in codes:
            return faults
        if not isinstance(self.json, dict) or not {"exit_code", "verdict", "checks"} <= self.json.keys():
            return [*faults, "--json printed no such JSON"]
        if not self.code == self.json_code == self.json["exit_code"]:
            faults.append(f"exit code {self.code}, with --json {self.json_code}, in the JSON {self.json['exit_code']}")
        if self.CODES.get(self.json["verdict"]) != self.json_code:
            faults.append(f"verdict `{self.json['verdict']}` with exit code {self.json_code}")
        if names and not any(map(self.json_names, names)):
            faults.append(f"the JSON does not name {' or '.join(names)}")
        return faults


def bagit_program(given):
    """The path of bagit.py: the one given, or the one on the PATH."""
    found = given or shutil.which("bagit.py")
    if not found:
        raise SystemExit("bagit.py was not found: pip install bagit, or give --bagit PATH")
    return pathlib.Path(found).resolve() if os.sep in str(found) else pathlib.Path(found)
