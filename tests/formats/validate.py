"""The second half of validate.sh: reads what the validators said, and what JUnit's and JSON Schema's readers make of it."""

import collections
import json
import pathlib
import subprocess
import sys

import jsonschema
import junitparser
import yaml

pixelwitness, work = sys.argv[1], pathlib.Path(sys.argv[2])
wrong = []

# SARIF: errors and warnings of Microsoft's validator, and of its rules for GitHub. One is passed over: SARIF2005 asks for an
# address where the tool is described, and the project has none yet.
for name in ["visit", "leaky", "fixed", "baseline"]:
    said = json.loads((work / f"{name}.validated.sarif").read_text(encoding="utf-8-sig"))
    results = said["runs"][0].get("results", [])
    notes = collections.Counter()
    for result in results:
        text = result["message"].get("text") or " ".join(result["message"].get("arguments", []))
        line = f"{name}.sarif: {result['ruleId']} {result.get('level', 'warning')}: {text}"
        address = result["ruleId"] == "SARIF2005" and "ProvideTool" in result["message"].get("id", "")
        if result.get("level", "warning") in ("error", "warning") and not address:
            wrong.append(line)
        else:
            notes[result["ruleId"]] += 1
    written = json.loads((work / f"{name}.sarif").read_text())
    print(f"{name}.sarif: {len(written['runs'][0]['results'])} results, notes by the validator: {dict(notes)}")

# JUnit: what junitparser counts is what the SARIF and the exit code say.
expected = {
    "visit": lambda s: s.failures > 0 and s.errors > 0 and s.skipped > 0,
    "leaky": lambda s: s.failures > 0 and s.errors == 0,
    "fixed": lambda s: s.failures == 0 and s.errors == 0 and s.tests > 0,
    "baseline": lambda s: s.failures > 0 and s.errors == 1,
}
for name, holds in expected.items():
    xml = junitparser.JUnitXml.fromfile(str(work / f"{name}.xml"))
    suites = list(xml)
    cases = sum(len(list(suite)) for suite in suites)
    print(f"{name}.xml: {len(suites)} suites, {cases} cases, {xml.failures} failures, {xml.errors} errors, {xml.skipped} skipped")
    if xml.tests != cases:
        wrong.append(f"{name}.xml says {xml.tests} tests and has {cases}")
    if not holds(xml):
        wrong.append(f"{name}.xml: not what was expected")

# Schemas: they are schemas, and what is shipped and what a run wrote is as they say.
schemas = {}
for name in ["scenario", "policy", "evidence", "run", "exchanges", "findings"]:
    text = subprocess.run([pixelwitness, "schema", name], check=True, capture_output=True, text=True).stdout
    if text != pathlib.Path(f"schemas/{name}.schema.json").read_text():
        wrong.append(f"schemas/{name}.schema.json is not what `schema {name}` prints")
    schema = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    schemas[name] = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


class Loader(yaml.SafeLoader):
    """YAML 1.2 as far as it matters here: a day is a text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def check(name, value, where):
    for error in schemas[name].iter_errors(value):
        wrong.append(f"{where}: {error.json_path}: {error.message[:200]}")


checked = 0
for path in sorted(pathlib.Path("scenarios").glob("*/*.yaml")):
    text = path.read_text()
    name = "policy" if path.name.endswith(".policy.yaml") else "scenario"
    if not text.startswith(f"# yaml-language-server: $schema=../../schemas/{name}.schema.json\n"):
        wrong.append(f"{path}: its first line does not name the schema")
    check(name, yaml.load(text, Loader), path)
    checked += 1
for path in sorted(pathlib.Path("tests/fixtures/policy/cases").glob("*.yaml")):
    for case in yaml.load(path.read_text(), Loader):
        # A company in another case is taken, and no editor would write it.
        if "in another case" in case["name"]:
            continue
        check("policy", yaml.load(case["policy"], Loader), f"{path}: {case['name']}")
        checked += 1
for build in ["leaky", "fixed"]:
    data = work / "demo" / build / "data"
    for name, file in [("run", "run.json"), ("findings", "findings.json")]:
        check(name, json.loads((data / file).read_text()), f"{build}/{file}")
        checked += 1
    for name, file in [("evidence", "evidence.jsonl"), ("exchanges", "exchanges.jsonl")]:
        for line in (data / file).read_text().splitlines():
            check(name, json.loads(line), f"{build}/{file}")
            checked += 1
# A schema that lets everything through would say nothing.
refused = 0
for path in sorted(pathlib.Path("tests/fixtures/policies_bad").glob("*.yaml")):
    try:
        value = yaml.load(path.read_text(), Loader)
    except yaml.YAMLError:
        continue
    refused += any(True for _ in schemas["policy"].iter_errors(value))
print(f"schemas: {checked} documents as they should be, {refused} bad policies refused by the schema alone")
if refused < 40:
    wrong.append("the policy's schema refuses too little")

for line in wrong:
    print("WRONG:", line)
sys.exit(1 if wrong else 0)
