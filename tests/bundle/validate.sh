#!/usr/bin/env bash
# Holds a sealed bundle against programs that others made: sha256sum, bagit, ssh-keygen and openssl on the bundle, by the commands
# that strangers are told; the WACZ against the wacz package, the HARs against har-validator. Then tampers with it in every way
# that tamper.py and unsigned.py know. The time-stamping authority is one of its own, on loopback. Needs node, npm, python3,
# openssl and ssh-keygen; only the packages' registries are contacted.
#
# Usage: tests/bundle/validate.sh [PIXELWITNESS]
set -euo pipefail
cd "$(dirname "$0")/../.."
pixelwitness=$(realpath "${1:-target/release/pixelwitness}")
here=$PWD/tests/bundle
work=$(mktemp -d)
tsa_pid=
trap '[ -z "$tsa_pid" ] || kill "$tsa_pid" 2>/dev/null || true; rm -rf "$work"' EXIT

checks=0 wrong=0
passed() { checks=$((checks + 1)); echo "ok      $1"; }
missed() { checks=$((checks + 1)); wrong=$((wrong + 1)); echo "MISSED  $1"; [ ! -s "$work/talk" ] || sed 's/^/        /' "$work/talk"; }
# exits CODE WHAT COMMAND…: what it is, and whether the command exits so. What it says is shown where it does not.
exits() {
    local expected=$1 what=$2 code=0
    shift 2
    "$@" >"$work/talk" 2>&1 || code=$?
    if [ "$code" = "$expected" ]; then passed "$what"; else missed "$what: exit code $code, expected $expected"; fi
}
refuses() {
    local what=$1
    shift
    if "$@" >"$work/talk" 2>&1; then missed "$what: exit code 0"; else passed "$what"; fi
}
holds() { exits 0 "$@"; }

npm install --silent --no-audit --no-fund --prefix "$work/npm" har-validator >/dev/null
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check bagit wacz
PATH=$work/venv/bin:$PATH
# shellcheck disable=SC2016
har() { node -e '
    const { har } = require(process.argv[1]);
    har(JSON.parse(require("fs").readFileSync(process.argv[2], "utf8"))).then(
        (read) => console.log(`${read.log.entries.length} entries`),
        (error) => { console.error(error.errors ?? error); process.exit(1); });
' "$work/npm/node_modules/har-validator" "$1"; }

# Who signs, whom the stranger trusts, and who says what time it is.
who=mara@example.org
mkdir "$work/trust"
ssh-keygen -q -t ed25519 -N '' -C '' -f "$work/trust/key"
ssh-keygen -q -t ed25519 -N '' -C '' -f "$work/trust/other"
echo "$who $(cat "$work/trust/key.pub")" >"$work/trust/allowed_signers"
"$here/tsa.sh" "$work/tsa"
ca=$work/tsa/ca.pem
python3 "$here/tsa.py" "$work/port" "$work/tsa" &
tsa_pid=$!
for _ in $(seq 100); do [ -s "$work/port" ] && break; sleep 0.1; done
tsa=http://127.0.0.1:$(cat "$work/port")/

# ---- sealed at the end of a run, and stamped
bundle=$work/bundle
exits 1 "demo --sign: a signed bundle of the leaky build" \
    "$pixelwitness" demo -o "$bundle" --build leaky --sign "$work/trust/key"
[ -d "$bundle/data" ] || { cat "$work/talk"; exit 1; }
holds "timestamp: asked on loopback, and the answer kept" "$pixelwitness" timestamp "$bundle" --tsa "$tsa"
for file in bagit.txt bag-info.txt VERIFY.md manifest-sha256.txt tagmanifest-sha256.txt \
    tagmanifest-sha256.txt.sig tagmanifest-sha256.txt.tsq tagmanifest-sha256.txt.tsr \
    data/{run.json,scenario.yaml,policy.yaml,evidence.jsonl,exchanges.jsonl,findings.json,traffic.har,cdp.jsonl,netlog.json.gz}; do
    [ -s "$bundle/$file" ] || { : >"$work/talk"; missed "$file is not in the bundle, or empty"; }
done
for folder in bodies certificates screenshots; do
    [ -n "$(ls -A "$bundle/data/$folder" 2>/dev/null)" ] || { : >"$work/talk"; missed "data/$folder is not in the bundle, or empty"; }
done

# ---- the commands that strangers are told, as they stand, in a copy of the folder, with what the stranger trusts laid beside
copy() { rm -rf "${work:?}/$1"; cp -a "$bundle" "$work/$1"; }
copy strangers
cp "$work/trust/allowed_signers" "$ca" "$work/strangers/"
mv "$work/strangers/ca.pem" "$work/strangers/tsa.pem"
cd "$work/strangers"
holds "sha256sum -c manifest-sha256.txt tagmanifest-sha256.txt" \
    sha256sum -c manifest-sha256.txt tagmanifest-sha256.txt
# Every file of data/ is listed, and each of the four others.
listed=$(cat manifest-sha256.txt tagmanifest-sha256.txt | wc -l)
present=$(($(find data -type f | wc -l) + 4))
: >"$work/talk"
if [ "$listed" = "$present" ]; then passed "$listed files listed"; else missed "$listed files listed, $present expected"; fi
holds "bagit.py --validate ." \
    bagit.py --validate .
# shellcheck disable=SC2016
holds "ssh-keygen -Y verify" bash -c \
    'ssh-keygen -Y verify -f allowed_signers -I "$1" -n pixelwitness -s tagmanifest-sha256.txt.sig < tagmanifest-sha256.txt' - "$who"
holds "openssl ts -verify" \
    openssl ts -verify -data tagmanifest-sha256.txt -in tagmanifest-sha256.txt.tsr -CAfile tsa.pem
# Who opens the terminal in the folder, as they are told, may have put both files there.
"$pixelwitness" verify . >"$work/talk" 2>&1 && code=0 || code=$?
echo "        (with allowed_signers and tsa.pem in its folder, verify exits with $code)"
cd - >/dev/null
openssl ts -query -in "$bundle/tagmanifest-sha256.txt.tsq" -text >"$work/talk" 2>&1 || true
# Without the authority's certificate in the answer, a stranger's openssl would need it by other ways.
if grep -q 'Certificate required: yes' "$work/talk" && grep -qi 'Hash Algorithm: sha256' "$work/talk"; then
    passed "the request asks for the certificate, with SHA-256"
else
    missed "the request asks for the certificate, with SHA-256"
fi

# ---- verify agrees
trusting=(--allowed-signers "$work/trust/allowed_signers" --signer "$who" --tsa-ca "$ca")
holds "verify" "$pixelwitness" verify "$bundle"
holds "verify, with whom to trust" "$pixelwitness" verify "$bundle" "${trusting[@]}"
"$pixelwitness" verify "$bundle" "${trusting[@]}" --json >"$work/verdict.json" || true
holds "verify --json: verified, and each check proven that can be" python3 -c '
import json, sys
verdict = json.load(open(sys.argv[1]))
print(json.dumps(verdict, indent=1))
assert verdict["exit_code"] == 0 and verdict["verdict"] == "verified" and verdict["checks"]
# What only the run itself could know, nothing can prove.
assert [check["name"] for check in verdict["checks"] if check["outcome"] != "proven"] == ["taken_as_said"]
' "$work/verdict.json"

# ---- whom allowed_signers allows: verify says what ssh-keygen says of the same file
public=$(cat "$work/trust/key.pub") another=$(cat "$work/trust/other.pub")
while IFS= read -r line; do
    printf '# whom we trust\n\n%b\n' "$line" >"$work/signers"
    if ssh-keygen -Y verify -f "$work/signers" -I "$who" -n pixelwitness -s "$bundle/tagmanifest-sha256.txt.sig" \
        <"$bundle/tagmanifest-sha256.txt" >/dev/null 2>&1; then expected=0; else expected=1; fi
    exits "$expected" "as ssh-keygen ($expected): ${line:0:60}" \
        "$pixelwitness" verify "$bundle" --allowed-signers "$work/signers" --signer "$who"
done <<LINES
$who $public
$who namespaces="pixelwitness" $public
$who namespaces="file" $public
$who valid-before="20200101" $public
$who valid-after="20200101" $public
*@example.org $public
!$who,*@example.org $public
someone@example.org,$who $public
someone@example.org $public
$who $another
$who $another\n$who $public
LINES

# ---- signed and stamped by other ways: from a bundle that is neither
copy unsigned
rm "$work"/unsigned/tagmanifest-sha256.txt.*
holds "verify: a bundle that nobody signed" "$pixelwitness" verify "$work/unsigned"
exits 1 "verify: the same where a signature is asked for" \
    "$pixelwitness" verify "$work/unsigned" --allowed-signers "$work/trust/allowed_signers"
exits 1 "verify: the same where a time stamp is asked for" "$pixelwitness" verify "$work/unsigned" --tsa-ca "$ca"
# Asked to sign and unable is an error, and leaves no signature.
refuses "sign: no such key" "$pixelwitness" sign "$work/unsigned" --key "$work/trust/nowhere"
refuses "timestamp: nobody listens there" "$pixelwitness" timestamp "$work/unsigned" --tsa http://127.0.0.1:9/
: >"$work/talk"
for file in "$work"/unsigned/tagmanifest-sha256.txt.{sig,tsr}; do
    if [ -e "$file" ]; then missed "${file##*/} was left behind"; fi
done
holds "sign: one that is there" "$pixelwitness" sign "$work/unsigned" --key "$work/trust/key"
holds "timestamp --request-only" "$pixelwitness" timestamp "$work/unsigned" --request-only
openssl ts -reply -queryfile "$work/unsigned/tagmanifest-sha256.txt.tsq" -config "$work/tsa/tsa.cnf" -out "$work/answer.tsr" 2>/dev/null
openssl ts -query -data "$here/tsa.sh" -sha256 -cert 2>/dev/null |
    openssl ts -reply -queryfile /dev/stdin -config "$work/tsa/tsa.cnf" -out "$work/wrong.tsr" 2>/dev/null
refuses "timestamp --answer: one that stamps something else" \
    "$pixelwitness" timestamp "$work/unsigned" --answer "$work/wrong.tsr"
holds "timestamp --answer" "$pixelwitness" timestamp "$work/unsigned" --answer "$work/answer.tsr"
holds "the answer is kept byte for byte" cmp "$work/answer.tsr" "$work/unsigned/tagmanifest-sha256.txt.tsr"
holds "verify: signed and stamped that way" "$pixelwitness" verify "$work/unsigned" "${trusting[@]}"

# ---- other formats
holds "har-validator: data/traffic.har" har "$bundle/data/traffic.har"
holds "report --format har" "$pixelwitness" report "$bundle" --format har -o "$work/report.har"
holds "har-validator: the exported HAR" har "$work/report.har"
holds "report --format wacz" "$pixelwitness" report "$bundle" --format wacz -o "$work/report.wacz"
holds "wacz validate -f" wacz validate -f "$work/report.wacz"
holds "report --format csv" "$pixelwitness" report "$bundle" --format csv -o "$work/report.csv"
holds "csv: rows under a heading, each as wide as it" python3 -c '
import csv, sys
rows = list(csv.reader(open(sys.argv[1], newline="", encoding="utf-8-sig"), strict=True))
assert len(rows) > 1 and len(rows[0]) > 1 and {len(row) for row in rows} == {len(rows[0])}
print(len(rows) - 1, "rows")
' "$work/report.csv"
# The validators do refuse what is wrong: else the lines above would say nothing.
sed 's/"httpVersion"/"httpVersions"/' "$work/report.har" >"$work/bad.har"
refuses "har-validator refuses a HAR without a required key" har "$work/bad.har"
if [ -s "$work/report.wacz" ]; then
    python3 -c '
import sys, zipfile
read, written = zipfile.ZipFile(sys.argv[1]), zipfile.ZipFile(sys.argv[2], "w")
for item in read.infolist():
    data = read.read(item)
    written.writestr(item, data[:-1] + bytes([data[-1] ^ 1]) if item.filename.startswith("archive/") else data)
written.close()
' "$work/report.wacz" "$work/bad.wacz"
    refuses "wacz refuses an archive with a bit flipped" wacz validate -f "$work/bad.wacz"
fi
holds "verify: reports have left the bundle as it was" "$pixelwitness" verify "$bundle" "${trusting[@]}"

# ---- tampering
for script in tamper.py unsigned.py; do
    echo "---- $script"
    if [ "$script" = tamper.py ]; then
        arguments=("$work/trust/allowed_signers" "$who" "$ca" --key "$work/trust/key" --tsa "$work/tsa")
    else
        arguments=()
    fi
    : >"$work/talk"
    if python3 "$here/$script" "$pixelwitness" "$bundle" "${arguments[@]}"; then passed "$script"; else missed "$script"; fi
done

echo "bagit $("$work/venv/bin/pip" show bagit 2>/dev/null | sed -n 's/^Version: //p'), wacz $("$work/venv/bin/pip" show wacz 2>/dev/null | sed -n 's/^Version: //p'), har-validator $(node -p "require('$work/npm/node_modules/har-validator/package.json').version")"
echo "$((checks - wrong)) passed, $wrong failed"
[ "$wrong" = 0 ]
