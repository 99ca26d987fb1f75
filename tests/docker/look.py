"""Looks into what a container left: bundles' run.json, and a batch's index.json. Says what is not as it should be, and
then ends with 1.

    look.py bundle DIR --image IMAGE      made there, with the sandbox on, and nothing wrong with it
    look.py batch DIR --scenarios N       every journey once, all completed, each with its bundle
    look.py completed DIR                 how many journeys are completed
    look.py kept DIR                      of each completed one: name, bundle, digest and time of its manifest
    look.py bundles DIR                   the paths of the bundles that the index names
"""

import argparse
import hashlib
import json
import pathlib
import sys


def index_of(folder):
    path = folder / "index.json"
    if not path.exists():
        sys.exit(f"there is no {path}")
    return json.loads(path.read_text())


def completed(folder):
    return [journey for journey in index_of(folder)["journeys"] if journey["state"] == "completed"]


def bundle(folder, image):
    run = json.loads((folder / "data/run.json").read_text())
    if run["browser"]["sandbox"] is not True:
        yield f"the sandbox is off: {run['browser']['sandbox_reason']}"
    if "--no-sandbox" in run["browser"]["flags"]:
        yield "the browser was started with --no-sandbox"
    if run["tool"]["image"] != image:
        yield f"tool.image is {run['tool']['image']!r} and not {image!r}"
    if run["problems"]:
        yield f"problems: {run['problems']}"
    if not run["audit"]["verdict"].startswith("complete"):
        yield f"the audit says {run['audit']['verdict']}"
    if run["journey"]["state"] != "completed":
        yield f"the journey is {run['journey']['state']}"


def batch(folder, scenarios):
    index = index_of(folder)
    journeys = index["journeys"]
    if len(journeys) != scenarios or index["plan"]["journeys"] != scenarios:
        yield f"{len(journeys)} journeys of {index['plan']['journeys']} planned ones, and {scenarios} scenarios"
    for key in ("name", "scenario", "bundle"):
        if len({journey[key] for journey in journeys}) != len(journeys):
            yield f"there is a {key} twice"
    for journey in journeys:
        if journey["state"] != "completed":
            yield f"{journey['name']} is {journey['state']}: {journey['problems']}"
        elif not (folder / journey["bundle"] / "bagit.txt").exists():
            yield f"{journey['name']}: there is no bundle in {journey['bundle']}"
    if index["finished"] is None or index["exit_code"] is None:
        yield "the batch is not finished"
    for name in ("index.html", "junit.xml"):
        if not (folder / name).exists():
            yield f"there is no {name}"


def kept(folder):
    for journey in completed(folder):
        manifest = folder / journey["bundle"] / "manifest-sha256.txt"
        digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
        if digest != journey["manifest_sha256"]:
            sys.exit(f"{journey['name']}: its manifest is not the one that the index names")
        yield f"{journey['name']}\t{journey['bundle']}\t{digest}\t{manifest.stat().st_mtime_ns}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["bundle", "batch", "completed", "kept", "bundles"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--image")
    parser.add_argument("--scenarios", type=int)
    args = parser.parse_args()
    match args.what:
        case "completed":
            print(len(completed(args.folder)))
        case "kept":
            print("\n".join(kept(args.folder)))
        case "bundles":
            for journey in index_of(args.folder)["journeys"]:
                if journey["bundle"] is not None:
                    print(args.folder / journey["bundle"])
        case _:
            wrong = list(bundle(args.folder, args.image) if args.what == "bundle" else batch(args.folder, args.scenarios))
            print("\n".join(f"{args.folder}: {what}" for what in wrong), end="\n" if wrong else "")
            sys.exit(bool(wrong))


main()
