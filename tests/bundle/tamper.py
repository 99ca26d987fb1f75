"""Tampers with a signed and time-stamped bundle in every way of the table below, each time on a fresh copy, and asserts that
`pixelwitness verify` refuses it with the expected exit code and names the file, and that the standard tools that are said to
refuse it do. The tamperings that no standard tool can see are marked with the reason, and it is asserted that none does.

Usage: tests/bundle/tamper.py PIXELWITNESS BUNDLE ALLOWED_SIGNERS WHO TSA_CA [--key KEY] [--tsa FOLDER] [--bagit PATH] [--only TEXT]

KEY is the private key that signed (default: `key` beside ALLOWED_SIGNERS), FOLDER what tsa.sh made (default: TSA_CA's): some
tamperings are those of a person who has the key. Nothing but copies is changed, and no network is used.
"""

import argparse
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # A test leaves nothing in the work tree.
import bag as bags
from bag import INFO, MANIFEST, SIGNATURE, STAMP, TAG_MANIFEST

SUM, BAGIT, SSH, OPENSSL = bags.COMMANDS  # The standard tools' names.
# Who refuses what: sums that do not hold; the list of files; whatever changed the tag manifest.
SUMS, LIST, SEALS = {SUM, BAGIT}, {BAGIT}, {SSH, OPENSSL}

NOTHING = "nothing was sent\n"
NOTHING_SUM = hashlib.sha256(NOTHING.encode()).hexdigest()

CASES = []
ABSENT = []


class Case:
    def __init__(self, title, tamper, names, tools, codes=(1,), nobody=None):
        assert bool(tools) != bool(nobody), f"{title}: say which tools refuse it, or why none can"
        self.title, self.tamper, self.names, self.codes = title, tamper, names, codes
        self.tools, self.nobody = tools, nobody


def case(title, *names, tools=frozenset(), codes=(1,), nobody=None):
    """A tampering: what it is, the files of which one must be named, who refuses it beside `verify`, or why nobody can."""

    def keep(tamper):
        CASES.append(Case(title, tamper, names, set(tools), codes, nobody))
        return tamper

    return keep


def run(*command, **how):
    done = subprocess.run(list(map(os.fspath, command)), capture_output=True, **how)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def flip(path, where=0.5):
    """Another bit in one byte of the file."""
    data = bytearray(path.read_bytes())
    data[int(len(data) * where)] ^= 1
    path.write_bytes(data)


def replace_once(path, old, new):
    text = path.read_text()
    assert old in text, f"`{old}` is not in {path.name}"
    path.write_text(text.replace(old, new, 1))


def append(path, text):
    with path.open("a") as file:
        file.write(text)


class Forger:
    """What a forger may have at hand: another key, another authority, a colleague's key; and, in some cases, the key itself."""

    def __init__(self, work, key, tsa, signers, who):
        self.work, self.key, self.tsa = work, key, tsa
        self.other_key, self.colleague = work / "other-key", work / "colleague-key"
        for path in (self.other_key, self.colleague):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", path)
        self.other_tsa = work / "other-tsa"
        run("bash", pathlib.Path(__file__).with_name("tsa.sh"), self.other_tsa, "Somebody else's time")
        # The colleague is trusted too, as somebody else: a signature by a trusted key is not yet one by who is asked for.
        self.signers = work / "allowed_signers"
        public = self.colleague.with_name(self.colleague.name + ".pub").read_text()
        self.signers.write_text(signers.read_text().rstrip("\n") + f"\ncolleague-of-{who} {public}")

    def sign(self, bag, key=None, text=None, namespace=bags.NAMESPACE):
        text = (bag / TAG_MANIFEST).read_bytes() if text is None else text
        signature = run("ssh-keygen", "-q", "-Y", "sign", "-f", key or self.key, "-n", namespace, input=text)
        (bag / SIGNATURE).write_bytes(signature)

    def stamp(self, bag, tsa=None, data=None):
        tsa, query = tsa or self.tsa, self.work / "query"
        run("openssl", "ts", "-query", "-data", data or bag / TAG_MANIFEST, "-sha256", "-cert", "-out", query)
        run("openssl", "ts", "-reply", "-queryfile", query, "-config", tsa / "tsa.cnf", "-out", bag / STAMP)

    def seal(self, bag):
        """As the person who has the key: signed and stamped as it is now."""
        self.sign(bag)
        self.stamp(bag)

    def outside(self, bag, beside=False):
        """A folder outside the bag. One whose path begins with the bag's is not seen to be outside by a reader who compares text."""
        folder = bag.with_name(bag.name + "-beside") if beside else self.work / f"elsewhere-{bag.name}"
        folder.mkdir(exist_ok=True)
        return folder


def bodies(bag):
    return sorted((bag / "data/bodies").iterdir())


def out_of(bag, forger, name, beside=False):
    """Moves a file or folder of the bag out of it, and leaves a link that leads there."""
    target = forger.outside(bag, beside) / pathlib.Path(name).name
    shutil.move(bag / name, target)
    (bag / name).symlink_to(target)


def relabel(bag, manifest, change):
    """Edits a manifest's lines, and makes the sums over it true again."""
    path = bag / manifest
    path.write_text("".join(change(bags.lines(path))))
    if manifest == MANIFEST:
        bags.rehash(bag, with_manifest=False)


def seal_others(bag, forger):
    bags.rehash(bag)
    forger.sign(bag, forger.other_key)
    forger.stamp(bag, forger.other_tsa)


# Edits that somebody makes in the evidence itself. The value is one that a demo's records have.
def edit_evidence(bag):
    def change(records):
        event = next(record for record in records if record["event_name"])
        event["event_name"] = "Nothing"

    bags.edit_records(bag / "data/evidence.jsonl", change)


def declare(bundle):
    """Fills the table. The kinds of files are those that the bundle has."""
    # ---- one byte of each kind of file
    kinds = [
        *(f"data/{name}" for name in ["run.json", "scenario.yaml", "policy.yaml", "evidence.jsonl", "exchanges.jsonl"]),
        *(f"data/{name}" for name in ["findings.json", "traffic.har", "cdp.jsonl", "netlog.json.gz"]),
    ]
    for kind in ["bodies/*", "certificates/*.pem", "screenshots/*.png"]:
        found = sorted((bundle / "data").glob(kind))
        kinds += [str(found[0].relative_to(bundle))] if found else []
        ABSENT.extend([] if found else [f"data/{kind}"])
    for name in kinds:
        if (bundle / name).is_file():
            case(f"a bit flipped in {short(name)}", name, tools=SUMS)(lambda bag, _, name=name: flip(bag / name))
        else:
            ABSENT.append(name)
    for name in ["bagit.txt", INFO, "VERIFY.md"]:
        case(f"a bit flipped in {name}", name, tools=SUMS)(lambda bag, _, name=name: flip(bag / name, 0.9))
    case(f"a bit flipped in {MANIFEST}", MANIFEST, tools=SUMS)(lambda bag, _: flip(bag / MANIFEST, 0.001))
    case(f"a bit flipped in {TAG_MANIFEST}", TAG_MANIFEST, tools={SUM, BAGIT, SSH, OPENSSL})(
        lambda bag, _: flip(bag / TAG_MANIFEST, 0.001)
    )

    body, other = (str(path.relative_to(bundle)) for path in bodies(bundle)[:2])

    # ---- files cut, moved, gone, added
    @case("cut to its half: data/exchanges.jsonl", "data/exchanges.jsonl", tools=SUMS)
    def _(bag, _):
        path = bag / "data/exchanges.jsonl"
        os.truncate(path, path.stat().st_size // 2)

    @case("cut by its last record: data/evidence.jsonl", "data/evidence.jsonl", tools=SUMS)
    def _(bag, _):
        path = bag / "data/evidence.jsonl"
        path.write_text("".join(bags.lines(path)[:-1]))

    @case("emptied: data/findings.json", "data/findings.json", tools=SUMS)
    def _(bag, _):
        (bag / "data/findings.json").write_bytes(b"")

    @case("emptied: data/netlog.json.gz", "data/netlog.json.gz", tools=SUMS)
    def _(bag, _):
        (bag / "data/netlog.json.gz").write_bytes(b"")

    @case("renamed: data/run.json", "data/run.json", "data/run-1.json", tools=SUMS)
    def _(bag, _):
        (bag / "data/run.json").rename(bag / "data/run-1.json")

    @case("the case of a name changed: data/run.json", "data/run.json", "data/Run.json", tools=SUMS)
    def _(bag, _):
        (bag / "data/run.json").rename(bag / "data/Run.json")

    @case("the case of a folder changed: data/bodies", body, body.replace("bodies", "Bodies"), tools=SUMS)
    def _(bag, _):
        (bag / "data/bodies").rename(bag / "data/Bodies")

    @case("removed: data/traffic.har", "data/traffic.har", tools=SUMS)
    def _(bag, _):
        (bag / "data/traffic.har").unlink()

    @case("removed: a body", body, tools=SUMS)
    def _(bag, _):
        (bag / body).unlink()

    @case("removed: all of data/", "data/run.json", "data", tools=SUMS)
    def _(bag, _):
        shutil.rmtree(bag / "data")

    for name in [INFO, "VERIFY.md", "bagit.txt"]:
        case(f"removed: {name}", name, tools=SUMS)(lambda bag, _, name=name: (bag / name).unlink())

    @case("added: a file in data/", "data/notes.txt", tools=LIST)
    def _(bag, _):
        (bag / "data/notes.txt").write_text("there was nothing\n")

    @case("added: a hidden file in data/", "data/.notes", tools=LIST)
    def _(bag, _):
        (bag / "data/.notes").write_text("")

    @case("added: a body, named by its sum", f"data/bodies/{NOTHING_SUM}", tools=LIST)
    def _(bag, _):
        (bag / "data/bodies" / NOTHING_SUM).write_text(NOTHING)

    @case("added: a folder with a file in data/", "data/more/notes.txt", "data/more", tools=LIST)
    def _(bag, _):
        (bag / "data/more").mkdir()
        (bag / "data/more/notes.txt").write_text("")

    unlisted = "BagIt allows files outside data/ that no manifest lists, and sha256sum reads what is listed"

    @case("added: a file in the root", "notes.txt", nobody=unlisted)
    def _(bag, _):
        (bag / "notes.txt").write_text("there was nothing\n")

    @case("added: a folder in the root", "more/notes.txt", "more", nobody=unlisted)
    def _(bag, _):
        (bag / "more").mkdir()
        (bag / "more/notes.txt").write_text("there was nothing\n")

    @case("added: fetch.txt, which tells archives to fetch from elsewhere", "fetch.txt", nobody=unlisted)
    def _(bag, _):
        (bag / "fetch.txt").write_text("https://elsewhere.example/run.json 10 data/run.json\n")

    @case("added: run.lock, which only a run that goes on has", "run.lock", nobody=unlisted)
    def _(bag, _):
        (bag / "run.lock").write_text("there was nothing\n")

    # How these two names are written out is the program's affair; that no escape character arrives is asserted for all.
    @case("added: a file whose name steers the terminal", tools=LIST)
    def _(bag, _):
        (bag / "data/\x1b[2Jverified").write_text("")

    @case("added: a file whose name is not UTF-8", tools=LIST)
    def _(bag, _):
        with open(os.fsencode(bag / "data") + b"/\xff", "wb"):
            pass

    @case("added: a pipe in data/", "data/pipe", tools=LIST)
    def _(bag, _):
        os.mkfifo(bag / "data/pipe")

    @case("a body swapped with another", body, other, tools=SUMS)
    def _(bag, _):
        first, second = (bag / body).read_bytes(), (bag / other).read_bytes()
        (bag / body).write_bytes(second)
        (bag / other).write_bytes(first)

    @case("a folder in a file's place: data/policy.yaml", "data/policy.yaml", tools=SUMS)
    def _(bag, _):
        (bag / "data/policy.yaml").unlink()
        (bag / "data/policy.yaml").mkdir()

    # ---- links: the bytes are right today, and are whatever somebody likes tomorrow
    @case("a link to its equal elsewhere: data/run.json", "data/run.json", tools=LIST)
    def _(bag, forger):
        out_of(bag, forger, "data/run.json")

    @case("a link to its equal elsewhere: VERIFY.md", "VERIFY.md", tools=LIST)
    def _(bag, forger):
        out_of(bag, forger, "VERIFY.md")

    by_prefix = "sha256sum follows links; bagit.py compares paths as text, and this target's begins with the bag's own"

    @case("a link to its equal in a neighbour folder: data/run.json", "data/run.json", nobody=by_prefix)
    def _(bag, forger):
        out_of(bag, forger, "data/run.json", beside=True)

    @case("a link to a folder elsewhere: data/bodies", "data/bodies", tools=LIST)
    def _(bag, forger):
        out_of(bag, forger, "data/bodies")

    @case("a link to a folder elsewhere: data", "data", tools=LIST)
    def _(bag, forger):
        out_of(bag, forger, "data")

    @case(f"a link to its equal elsewhere: {SIGNATURE}", SIGNATURE, nobody="no manifest lists it, and the tools follow links")
    def _(bag, forger):
        out_of(bag, forger, SIGNATURE)

    # ---- manifests that mean something else, by the person who has the key: the seals hold
    @case("`..` in the manifest", MANIFEST, "../stranger", tools=LIST)
    def _(bag, forger):
        stranger = bag.with_name("stranger")
        stranger.write_text("not of this bundle\n")
        relabel(bag, MANIFEST, lambda lines: [*lines, f"{bags.digest(stranger)}  ../stranger\n"])
        forger.seal(bag)

    @case("`..` in the manifest, under data/", MANIFEST, "data/../../stranger", tools=LIST)
    def _(bag, forger):
        stranger = bag.with_name("stranger")
        stranger.write_text("not of this bundle\n")
        relabel(bag, MANIFEST, lambda lines: [*lines, f"{bags.digest(stranger)}  data/../../stranger\n"])
        forger.seal(bag)

    @case("an absolute path in the manifest", MANIFEST, "/etc/passwd", tools=LIST)
    def _(bag, forger):
        passwd = pathlib.Path("/etc/passwd")
        relabel(bag, MANIFEST, lambda lines: [*lines, f"{bags.digest(passwd)}  {passwd}\n"])
        forger.seal(bag)

    @case("`..` in the tag manifest", TAG_MANIFEST, "../stranger", tools=LIST)
    def _(bag, forger):
        stranger = bag.with_name("stranger")
        stranger.write_text("not of this bundle\n")
        relabel(bag, TAG_MANIFEST, lambda lines: [*lines, f"{bags.digest(stranger)}  ../stranger\n"])
        forger.seal(bag)

    @case("an absolute path in the tag manifest", TAG_MANIFEST, "/etc/passwd", tools=LIST)
    def _(bag, forger):
        passwd = pathlib.Path("/etc/passwd")
        relabel(bag, TAG_MANIFEST, lambda lines: [*lines, f"{bags.digest(passwd)}  {passwd}\n"])
        forger.seal(bag)

    @case("a file listed twice in the manifest", MANIFEST, "data/run.json", tools=LIST)
    def _(bag, forger):
        relabel(bag, MANIFEST, lambda lines: [*lines, *(line for line in lines if line.endswith("  data/run.json\n"))])
        forger.seal(bag)

    @case("a file listed twice in the manifest, with two sums", MANIFEST, "data/run.json", tools=SUMS)
    def _(bag, forger):
        relabel(bag, MANIFEST, lambda lines: [*lines, f"{'0' * 64}  data/run.json\n"])
        forger.seal(bag)

    @case("a file listed under a second spelling of its path", MANIFEST, "data/./run.json", "data/run.json", tools=LIST)
    def _(bag, forger):
        sum_ = bags.digest(bag / "data/run.json")
        relabel(bag, MANIFEST, lambda lines: [*lines, f"{sum_}  data/./run.json\n"])
        forger.seal(bag)

    @case("a file listed twice in the tag manifest", TAG_MANIFEST, "VERIFY.md", tools=LIST)
    def _(bag, forger):
        relabel(bag, TAG_MANIFEST, lambda lines: [*lines, *(line for line in lines if line.endswith("  VERIFY.md\n"))])
        forger.seal(bag)

    @case("a line that is none in the manifest", MANIFEST, nobody="sha256sum warns of a line that it cannot read, bagit.py skips it")
    def _(bag, forger):
        relabel(bag, MANIFEST, lambda lines: [*lines, "nothing-of-the-kind\n"])
        forger.seal(bag)

    @case("the tag manifest no longer lists the manifest", MANIFEST, TAG_MANIFEST, nobody="a tag manifest need not list all, says BagIt")
    def _(bag, forger):
        relabel(bag, TAG_MANIFEST, lambda lines: [line for line in lines if not line.endswith(f"  {MANIFEST}\n")])
        forger.seal(bag)

    @case("another algorithm's manifest: manifest-md5.txt, true", "manifest-md5.txt", nobody=unlisted)
    def _(bag, _):
        (bag / "manifest-md5.txt").write_bytes(run("md5sum", "--", *bags.listed(bag / MANIFEST), cwd=bag))

    @case("another algorithm's manifest: manifest-md5.txt, false", "manifest-md5.txt", tools=LIST)
    def _(bag, _):
        sums = "".join(f"{'0' * 32}  {name}\n" for name in bags.listed(bag / MANIFEST))
        (bag / "manifest-md5.txt").write_text(sums)

    @case("an unknown algorithm's manifest: manifest-crc7.txt", "manifest-crc7.txt", nobody=unlisted)
    def _(bag, _):
        (bag / "manifest-crc7.txt").write_text("7f  data/run.json\n")

    # ---- everything re-hashed: the seals alone tell
    @case("a body removed with its line, all re-hashed", TAG_MANIFEST, body, SIGNATURE, tools=SEALS)
    def _(bag, _):
        (bag / body).unlink()
        bags.rehash(bag)

    @case("an evidence record edited, all re-hashed", TAG_MANIFEST, "data/evidence.jsonl", SIGNATURE, tools=SEALS)
    def _(bag, _):
        edit_evidence(bag)
        bags.rehash(bag)

    @case("a file added with its line, all re-hashed", TAG_MANIFEST, "data/notes.txt", SIGNATURE, tools=SEALS)
    def _(bag, _):
        (bag / "data/notes.txt").write_text("there was nothing\n")
        bags.rehash(bag)

    @case("VERIFY.md says other commands, all re-hashed", TAG_MANIFEST, "VERIFY.md", SIGNATURE, tools=SEALS)
    def _(bag, _):
        (bag / "VERIFY.md").write_text("Run nothing.\n")
        bags.rehash(bag)

    @case("VERIFY.md no longer listed, and edited", TAG_MANIFEST, "VERIFY.md", SIGNATURE, tools=SEALS)
    def _(bag, _):
        (bag / "VERIFY.md").write_text("Run nothing.\n")
        relabel(bag, TAG_MANIFEST, lambda lines: [line for line in lines if not line.endswith("  VERIFY.md\n")])

    @case("an evidence record edited, re-hashed, signed with another key", SIGNATURE, TAG_MANIFEST, tools=SEALS)
    def _(bag, forger):
        edit_evidence(bag)
        bags.rehash(bag)
        forger.sign(bag, forger.other_key)

    @case("the same, and stamped by another authority", SIGNATURE, STAMP, tools=SEALS)
    def _(bag, forger):
        edit_evidence(bag)
        seal_others(bag, forger)

    with_key = "whoever has the key sealed it: only what the browser's own messages and network log say tells"

    @case("an evidence record edited, re-hashed, signed with the key, stamped", "data/evidence.jsonl", nobody=with_key)
    def _(bag, forger):
        edit_evidence(bag)
        bags.rehash(bag)
        forger.seal(bag)

    @case("a body edited under its old name, re-hashed, signed with the key, stamped", body, nobody=with_key)
    def _(bag, forger):
        flip(bag / body)
        bags.rehash(bag)
        forger.seal(bag)

    # ---- tag files
    @case("bagit.txt claims another version", "bagit.txt", tools=SUMS)
    def _(bag, _):
        replace_once(bag / "bagit.txt", "BagIt-Version: 1.0", "BagIt-Version: 0.97")

    @case(f"{INFO}: another size and count", INFO, tools=SUMS)
    def _(bag, _):
        replace_once(bag / INFO, "Payload-Oxum: ", "Payload-Oxum: 1")

    @case(f"{INFO}: another size and count, re-hashed, signed with the key, stamped", INFO, tools=LIST)
    def _(bag, forger):
        replace_once(bag / INFO, "Payload-Oxum: ", "Payload-Oxum: 1")
        bags.rehash(bag, with_manifest=False)
        forger.seal(bag)

    @case("VERIFY.md edited", "VERIFY.md", tools=SUMS)
    def _(bag, _):
        append(bag / "VERIFY.md", "It need not be checked.\n")

    # A newer program's bundle is not one that this program can judge, and it says so.
    newer = (INFO, "Pixelwitness-Bundle-Version: 1", "Pixelwitness-Bundle-Version: 2")

    @case("of a newer version, re-hashed", codes=(3,), tools=SEALS)
    def _(bag, _):
        replace_once(bag / newer[0], *newer[1:])
        bags.rehash(bag)

    @case("of a newer version, sealed as such", codes=(3,), nobody="it may be whole: only this program's version is too old for it")
    def _(bag, forger):
        replace_once(bag / newer[0], *newer[1:])
        bags.rehash(bag)
        forger.seal(bag)

    # ---- manifests gone: 3 as a run that was cut short, 1 where a seal that is still there tells that it was not
    @case("deleted: the tag manifest", TAG_MANIFEST, tools={SUM, SSH, OPENSSL})
    def _(bag, _):
        (bag / TAG_MANIFEST).unlink()

    @case("deleted: the manifest", MANIFEST, tools=SUMS)
    def _(bag, _):
        (bag / MANIFEST).unlink()

    @case("deleted: both manifests", TAG_MANIFEST, MANIFEST, tools={SUM, BAGIT, SSH, OPENSSL})
    def _(bag, _):
        (bag / TAG_MANIFEST).unlink()
        (bag / MANIFEST).unlink()

    @case("deleted: both manifests and what seals them", TAG_MANIFEST, MANIFEST, codes=(3,), tools={SUM, BAGIT, SSH, OPENSSL})
    def _(bag, _):
        for path in bag.glob("*manifest*"):
            path.unlink()

    @case("emptied: the tag manifest", TAG_MANIFEST, tools=SEALS)
    def _(bag, _):
        (bag / TAG_MANIFEST).write_bytes(b"")

    # ---- the signature
    @case("signature removed", SIGNATURE, tools={SSH})
    def _(bag, _):
        (bag / SIGNATURE).unlink()

    @case("signature emptied", SIGNATURE, tools={SSH})
    def _(bag, _):
        (bag / SIGNATURE).write_bytes(b"")

    @case("signature damaged", SIGNATURE, tools={SSH})
    def _(bag, _):
        flip(bag / SIGNATURE, 0.7)

    @case("signature by a key that nobody named", SIGNATURE, tools={SSH})
    def _(bag, forger):
        forger.sign(bag, forger.other_key)

    @case("signature by a colleague's key, who is trusted under another name", SIGNATURE, tools={SSH})
    def _(bag, forger):
        forger.sign(bag, forger.colleague)

    @case("signature by the key, over another text", SIGNATURE, tools={SSH})
    def _(bag, forger):
        forger.sign(bag, text=b"something else\n")

    @case("signature by the key, of another namespace", SIGNATURE, tools={SSH})
    def _(bag, forger):
        forger.sign(bag, namespace="file")

    # ---- the time stamp
    @case("time stamp removed", STAMP, tools={OPENSSL})
    def _(bag, _):
        (bag / STAMP).unlink()

    @case("time stamp emptied", STAMP, tools={OPENSSL})
    def _(bag, _):
        (bag / STAMP).write_bytes(b"")

    @case("time stamp of another file", STAMP, tools={OPENSSL})
    def _(bag, forger):
        forger.stamp(bag, data=bag / "VERIFY.md")

    @case("time stamp damaged", STAMP, tools={OPENSSL})
    def _(bag, _):
        flip(bag / STAMP, 0.999)  # In the signature, which comes last.

    @case("time stamp cut to its half", STAMP, tools={OPENSSL})
    def _(bag, _):
        os.truncate(bag / STAMP, (bag / STAMP).stat().st_size // 2)

    @case("time stamp by an authority that nobody named", STAMP, tools={OPENSSL})
    def _(bag, forger):
        forger.stamp(bag, forger.other_tsa)

    @case("time stamp request exchanged for some text", bags.STAMP_REQUEST, nobody="no tool reads a request once it was answered")
    def _(bag, _):
        (bag / bags.STAMP_REQUEST).write_text("there was nothing\n")

    @case("time stamp that is a refusal", STAMP, tools={OPENSSL})
    def _(bag, forger):
        query = forger.work / "no-query"
        query.write_bytes(b"no request")
        config = forger.tsa / "tsa.cnf"
        run("openssl", "ts", "-reply", "-queryfile", query, "-config", config, "-out", bag / STAMP)


def short(name):
    """A body's name is a sum; its beginning tells enough."""
    return name if len(name) < 40 else name[:20] + "…"


def no_bundles(pixelwitness, work):
    """What is no bundle at all is bad input, not tampering: exit code 2."""
    empty, other = work / "empty", work / "other"
    empty.mkdir()
    other.mkdir()
    (other / "letter.txt").write_text("not a bundle\n")
    for title, path in [("an empty folder", empty), ("a folder that is none", other), ("no such folder", work / "nowhere")]:
        yield title, bags.Verdict(pixelwitness, path).faults((2,), ())
    yield "a file", bags.Verdict(pixelwitness, other / "letter.txt").faults((2,), ())


def untouched(tools, pixelwitness, bag, options):
    """Before anything is tampered with, everybody is content: else a refusal would mean nothing."""
    faults = [f"{name} refuses it" for name in sorted(tools.refusing(bag))]
    verdict = bags.Verdict(pixelwitness, bag, options)
    faults += verdict.faults((0,), ())
    return faults + ([verdict.text.strip()] if faults else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pixelwitness", type=pathlib.Path)
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("allowed_signers", type=pathlib.Path)
    parser.add_argument("who")
    parser.add_argument("tsa_ca", type=pathlib.Path)
    parser.add_argument("--key", type=pathlib.Path)
    parser.add_argument("--tsa", type=pathlib.Path)
    parser.add_argument("--bagit")
    parser.add_argument("--only", default="", help="only the tamperings whose title has this in it")
    args = parser.parse_args()
    pixelwitness, bundle = args.pixelwitness.resolve(), args.bundle.resolve()
    signers, ca = args.allowed_signers.resolve(), args.tsa_ca.resolve()
    key, tsa = (args.key or signers.with_name("key")).resolve(), (args.tsa or ca.parent).resolve()
    for path in [pixelwitness, bundle, signers, ca, key, tsa / "tsa.cnf"]:
        if not path.exists():
            raise SystemExit(f"{path} is not there")

    declare(bundle)
    cases = [case for case in CASES if args.only in case.title]
    assert args.only or len(cases) >= 36
    rows, failed = [], 0
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work).resolve()
        forger = Forger(work, key, tsa, signers, args.who)
        tools = bags.Tools(bags.bagit_program(args.bagit), forger.signers, args.who, ca)
        options = ["--allowed-signers", forger.signers, "--signer", args.who, "--tsa-ca", ca]
        faults = untouched(tools, pixelwitness, bags.copy(bundle, work / "untouched"), options)
        if faults:
            raise SystemExit("the bundle is refused before anything was done to it: " + "\n".join(faults))

        for number, case in enumerate(cases, 1):
            folder = work / f"case-{number}"
            folder.mkdir()
            bag = bags.copy(bundle, folder / "bundle")
            case.tamper(bag, forger)
            verdict = bags.Verdict(pixelwitness, bag, options)
            refusing = tools.refusing(bag)
            faults = verdict.faults(case.codes, case.names)
            if case.nobody and refusing:
                faults.append(f"marked as seen by no standard tool, and refused by {', '.join(sorted(refusing))}")
            elif not case.tools <= refusing:
                faults.append(f"not refused by {', '.join(sorted(case.tools - refusing))}")
            rows.append((case, verdict.code, refusing, faults))
            shutil.rmtree(folder)
        others = list(no_bundles(pixelwitness, work)) if not args.only else []

    order = list(bags.COMMANDS)
    width = max(len(case.title) for case, *_ in rows)
    print(f"{'tampering':{width}}  verify  refused too by")
    for case, code, refusing, faults in rows:
        by = ", ".join(sorted(refusing, key=order.index)) or "no standard tool"
        print(f"{case.title:{width}}  {code!s:6}  {by}{'' if not faults else '   MISSED'}")
        for fault in faults:
            print(f"    {fault}")
            failed += fault is faults[0]
    unseen = {}
    for case, *_ in rows:
        if case.nobody:
            unseen.setdefault(case.nobody, []).append(case.title)
    if unseen:
        print("\nwhat no standard tool can see, and why:")
        for why, titles in unseen.items():
            print(f"  {why}:")
            for title in titles:
                print(f"    {title}")
    for title, faults in others:
        failed += bool(faults)
        print(f"{title}: {'exit code 2' if not faults else '; '.join(faults) + '   MISSED'}")
    for name in ABSENT:
        print(f"not tampered with, for it is not in this bundle: {name}")
    print(f"{len(rows)} tamperings, {sum(not case.nobody for case, *_ in rows)} of them seen by standard tools too")
    print(f"{len(rows) + len(others) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
