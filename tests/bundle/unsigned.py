"""Edits a bundle that nobody signed as a careful forger would: every sum is made true again, so that sha256sum and bagit.py are
content (which is asserted). Only making the records anew, from the browser's own messages and network log, can tell; it is
asserted that `pixelwitness verify` does, and names the file.

Usage: tests/bundle/unsigned.py PIXELWITNESS BUNDLE [--bagit PATH] [--only TEXT]

If the bundle has a signature or a time stamp, they are left out of the copies. Nothing but copies is changed.
"""

import argparse
import gzip
import json
import pathlib
import re
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True  # A test leaves nothing in the work tree.
import bag as bags

EVIDENCE, EXCHANGES, RUN = "data/evidence.jsonl", "data/exchanges.jsonl", "data/run.json"
FINDINGS, HAR, MESSAGES, NETLOG = "data/findings.json", "data/traffic.har", "data/cdp.jsonl", "data/netlog.json.gz"

EDITS = []


def edit(title, *names, codes=(1,), when=lambda bag: True):
    """An edit: what it is, and the files of which one must be named. `when`: whether the bundle has what is edited."""

    def keep(change):
        EDITS.append((title, change, names, codes, when))
        return change

    return keep


def told(records):
    """The index of an event in the middle that reached its recipient, and was told once."""
    found = [
        index
        for index, record in enumerate(records)
        if record["kind"] == "event" and record["outcome"] == "completed" and record["duplicate_of"] is None
    ]
    return found[len(found) // 2]


def exchange_of_event(bag):
    records = [json.loads(line) for line in bags.lines(bag / EVIDENCE)]
    return records[told(records)]["exchange"]


def by_id(records, id_):
    return next(record for record in records if record["id"] == id_)


def drop_from_har(bag, exchange):
    """The HAR has an entry a line."""
    lines = bags.lines(bag / HAR)
    found = [index for index, line in enumerate(lines) if f'"exchange":"{exchange}"' in line]
    assert len(found) == 1, f"{exchange} is in {len(found)} lines of {HAR}"
    last = not lines[found[0]].rstrip().endswith(",")
    del lines[found[0]]
    if last:
        lines[found[0] - 1] = lines[found[0] - 1].rstrip().removesuffix(",") + "\n"
    text = "".join(lines)
    json.loads(text)
    (bag / HAR).write_text(text)


@edit("an event dropped from evidence.jsonl", EVIDENCE)
def _(bag):
    bags.edit_records(bag / EVIDENCE, lambda records: records.pop(told(records)))


@edit("the last record dropped from evidence.jsonl", EVIDENCE)
def _(bag):
    bags.edit_records(bag / EVIDENCE, lambda records: records.pop())


@edit("an event told twice in evidence.jsonl", EVIDENCE)
def _(bag):
    def change(records):
        again = dict(records[told(records)])
        again["id"] = f"e{len(records) + 1:04}"
        records.append(again)

    bags.edit_records(bag / EVIDENCE, change)


@edit("a value edited in evidence.jsonl", EVIDENCE)
def edit_value(bag):
    def change(records):
        record = records[told(records)]
        parameter = next(parameter for parameter in record["parameters"] if parameter["value"])
        parameter["value"] += "0"

    bags.edit_records(bag / EVIDENCE, change)


@edit("the page of an event edited in evidence.jsonl", EVIDENCE)
def _(bag):
    bags.edit_records(bag / EVIDENCE, lambda records: records[told(records)].update(page_url="https://elsewhere.example/"))


@edit("an exchange dropped from exchanges.jsonl", EXCHANGES)
def _(bag):
    id_ = exchange_of_event(bag)
    bags.edit_records(bag / EXCHANGES, lambda records: records.remove(by_id(records, id_)))


@edit("an exchange dropped everywhere: its event and HAR entry too, and the counts", EXCHANGES, RUN)
def _(bag):
    id_ = exchange_of_event(bag)
    bags.edit_records(bag / EXCHANGES, lambda records: records.remove(by_id(records, id_)))

    def without(records):
        records[:] = [record for record in records if record["exchange"] != id_]

    bags.edit_records(bag / EVIDENCE, without)
    drop_from_har(bag, id_)

    def count(run):
        for counts, names in [(run["counts"], ["exchanges", "third_party", "events"]), (run["audit"], ["sent", "recorded", "matched"])]:
            for name in names:
                counts[name] -= 1

    bags.edit_json(bag / RUN, count)


@edit("`sent` true made false in exchanges.jsonl", EXCHANGES)
def _(bag):
    id_ = exchange_of_event(bag)

    def change(records):
        exchange = by_id(records, id_)
        assert exchange["sent"] is True
        exchange["sent"] = False

    bags.edit_records(bag / EXCHANGES, change)


@edit("`sent` false made true in exchanges.jsonl, of what was contained", EXCHANGES)
def _(bag):
    def change(records):
        next(record for record in records if record["outcome"] == "contained").update(sent=True, outcome="completed")

    bags.edit_records(bag / EXCHANGES, change)


@edit("a cookie's value edited in exchanges.jsonl", EXCHANGES)
def _(bag):
    def change(records):
        cookies = [cookie for record in records for cookie in record["cookies"] if cookie["sent"] and cookie["value"]]
        cookies[-1]["value"] += "0"

    bags.edit_records(bag / EXCHANGES, change)


@edit("a request's address edited in exchanges.jsonl", EXCHANGES)
def _(bag):
    id_ = exchange_of_event(bag)

    def change(records):
        by_id(records, id_)["url"] += "?"

    bags.edit_records(bag / EXCHANGES, change)


@edit("the audit's counts edited in run.json", RUN)
def _(bag):
    def change(run):
        for name in ["sent", "recorded", "matched"]:
            run["audit"][name] += 1

    bags.edit_json(bag / RUN, change)


@edit("the count of events edited in run.json", RUN)
def _(bag):
    bags.edit_json(bag / RUN, lambda run: run["counts"].update(events=run["counts"]["events"] - 1))


@edit("a verdict edited in findings.json", FINDINGS)
def _(bag):
    def change(findings):
        verdict = findings["verdicts"]["typed_value"]
        assert verdict["outcome"] == "found"
        verdict["outcome"] = "not_found"

    bags.edit_json(bag / FINDINGS, change)


@edit("a leak dropped from findings.json", FINDINGS)
def _(bag):
    def change(findings):
        gone = findings["leaks"].pop(len(findings["leaks"]) // 2)
        findings["verdicts"]["typed_value"]["evidence"].remove(gone["id"])

    bags.edit_json(bag / FINDINGS, change)


@edit("a rule's outcome edited in findings.json", FINDINGS)
def _(bag):
    def change(findings):
        next(rule for rule in findings["rules"] if rule["outcome"] == "violated")["outcome"] = "passed"

    bags.edit_json(bag / FINDINGS, change)


@edit("a request's body exchanged: another text under its new name, with the references mended", EXCHANGES, "data/bodies")
def _(bag):
    id_ = exchange_of_body(bag)
    exchange = by_id([json.loads(line) for line in bags.lines(bag / EXCHANGES)], id_)
    old, path = exchange["body_sha256"], bag / exchange["body_path"]
    text = path.read_bytes()
    # A digit of the pixel's number: as long as before, and as well-formed.
    new_text = re.sub(rb"\d(?=\d{5})", lambda digit: b"7" if digit[0] != b"7" else b"8", text, count=1)
    assert new_text != text and len(new_text) == len(text)
    path.write_bytes(new_text)
    new = bags.digest(path)
    path.rename(path.with_name(new))
    for name in [EXCHANGES, EVIDENCE, FINDINGS, RUN, HAR, MESSAGES]:
        file = bag / name
        file.write_bytes(file.read_bytes().replace(old.encode(), new.encode()))
    assert new in (bag / EXCHANGES).read_text()


def exchange_of_body(bag):
    """An exchange that was sent with a body which no other carried."""
    records = [json.loads(line) for line in bags.lines(bag / EXCHANGES)]
    bodies = [record["body_sha256"] for record in records]
    return next(
        record["id"]
        for record in records
        if record["sent"] and record["body_state"] == "complete" and bodies.count(record["body_sha256"]) == 1
        and (bag / record["body_path"]).stat().st_size > 500
    )


@edit("an entry dropped from traffic.har", HAR)
def _(bag):
    drop_from_har(bag, exchange_of_event(bag))


@edit("the scenario edited", "data/scenario.yaml", RUN)
def _(bag):
    path = bag / "data/scenario.yaml"
    path.write_text(path.read_text() + "# nothing was typed\n")


@edit("the policy edited", "data/policy.yaml", RUN, when=lambda bag: (bag / "data/policy.yaml").is_file())
def _(bag):
    path = bag / "data/policy.yaml"
    path.write_text(path.read_text() + "# nothing was forbidden\n")


def certificates(bag):
    return sorted((bag / "data/certificates").glob("*.pem"))


@edit("a certificate exchanged", "data/certificates", when=certificates)
def _(bag):
    path = certificates(bag)[0]
    lines = bags.lines(path)
    # A character in the middle of the first certificate's base64.
    middle = len(lines) // 2
    line = lines[middle]
    lines[middle] = line[:9] + ("A" if line[9] != "A" else "B") + line[10:]
    path.write_text("".join(lines))


@edit("the browser's messages about a request dropped from cdp.jsonl", MESSAGES, EXCHANGES, EVIDENCE)
def _(bag):
    path = bag / MESSAGES
    lines = bags.lines(path)
    ids = [
        message["params"]["requestId"]
        for message in (json.loads(line).get("cdp") or {} for line in lines)
        if message.get("method") == "Network.requestWillBeSent"
        and message["params"]["request"]["url"].startswith("https://www.facebook.com/tr/?")
    ]
    gone = f'"requestId":"{ids[len(ids) // 2]}"'
    path.write_text("".join(line for line in lines if gone not in line))


@edit("the network log exchanged for an empty one", NETLOG, EXCHANGES, RUN)
def _(bag):
    (bag / NETLOG).write_bytes(gzip.compress(b'{"constants":{},"events":[]}\n'))


# By these a forger gets round the making anew. Whatever the exit code, it must not be said that the records follow from what the
# browser said: 0 claims no more than can be proven.
@edit("the browser's messages and network log left out", codes=(0, 1, 3))
def _(bag):
    (bag / MESSAGES).unlink()
    (bag / NETLOG).unlink()


@edit("the same, said to be so by run.json, and a value edited", codes=(0, 1, 3))
def _(bag):
    edit_value(bag)
    bags.edit_json(bag / RUN, lambda run: run.update(sources_left_out="they hold secrets"))
    (bag / MESSAGES).unlink()
    (bag / NETLOG).unlink()


@edit("a value edited, and another version of the program said to have made it", codes=(3,))
def _(bag):
    edit_value(bag)
    bags.edit_json(bag / RUN, lambda run: run["tool"].update(version="0.0.1", commit="0" * 40))


def claims(verdict):
    """Whether it is claimed, in vain, that the records were made anew."""
    made = [check for check in verdict.json["checks"] if check["name"] == "recomputed" and check["outcome"] == "proven"]
    return ["the records are said to follow from what the browser said"] if made else []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pixelwitness", type=pathlib.Path)
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("--bagit")
    parser.add_argument("--only", default="", help="only the edits whose title has this in it")
    args = parser.parse_args()
    pixelwitness = args.pixelwitness.resolve()
    tools = bags.Tools(bags.bagit_program(args.bagit), names=("sha256sum", "bagit"))
    failed, done = 0, 0
    width = max(len(title) for title, *_ in EDITS)

    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work).resolve()
        unsigned = bags.copy(args.bundle.resolve(), work / "unsigned")
        for name in [bags.SIGNATURE, bags.STAMP, bags.STAMP_REQUEST]:
            (unsigned / name).unlink(missing_ok=True)
        verdict = bags.Verdict(pixelwitness, unsigned)
        faults = verdict.faults((0,), ()) + [f"{name} refuses it" for name in tools.refusing(unsigned)]
        # Re-hashing what was not edited changes nothing: else an edit would be refused for the forger's handwriting.
        rehashed = bags.copy(unsigned, work / "rehashed")
        bags.rehash(rehashed)
        faults += [f"re-hashed as it is: {fault}" for fault in bags.Verdict(pixelwitness, rehashed).faults((0,), ())]
        if faults:
            raise SystemExit("the bundle is refused before anything was done to it: " + "\n".join([*faults, verdict.text]))

        print(f"{'edit':{width}}  verify  names")
        for title, change, names, codes, when in EDITS:
            if args.only not in title:
                continue
            if not when(unsigned):
                print(f"{title:{width}}  -       not in this bundle")
                continue
            bag = bags.copy(unsigned, work / "edited")
            change(bag)
            bags.rehash(bag)
            faults = [f"{name} refuses it: the edit is not what it is meant to be" for name in sorted(tools.refusing(bag))]
            verdict = bags.Verdict(pixelwitness, bag)
            faults += verdict.faults(codes, names)
            if 0 in codes and verdict.json:
                faults += claims(verdict)
            named = ", ".join(name for name in names if verdict.names(name))
            print(f"{title:{width}}  {verdict.code!s:6}  {named}{'' if not faults else '   MISSED'}")
            for fault in faults:
                print(f"    {fault}")
            done += 1
            failed += bool(faults)
            shutil.rmtree(bag)

    print(f"{done - failed} passed, {failed} failed")
    return 1 if failed or not done else 0


if __name__ == "__main__":
    sys.exit(main())
