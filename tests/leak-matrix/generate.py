#!/usr/bin/env python3
"""Write the leak matrix: every transform of a typed value, in every place of a request.

Each row of the output is one request that carries one transformed value in one
place, among innocent parameters. The transforms are made with well-known
libraries only, and this file deliberately shares no code with the detector that
is tested against its output: see README.md beside this file.

    python3 generate.py            write ../fixtures/leaks/matrix.jsonl
    python3 generate.py --check    only compare that file with a fresh run

The output is deterministic: no randomness, no clock, fixed gzip header.
"""

import base64
import codecs
import functools
import hashlib
import hmac
import html
import importlib
import json
import os
import pathlib
import struct
import subprocess
import sys
import zlib
from urllib.parse import quote, quote_plus

OUTPUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "leaks" / "matrix.jsonl"
MISSING = []


def load(module, package):
    """Import a module, or note which package is missing."""
    try:
        return importlib.import_module(module)
    except ImportError:
        MISSING.append(f"Python module {module} (pip install {package})")
        return None


base58, mmh3 = load("base58", "base58"), load("mmh3", "mmh3")
MD2, MD4, RIPEMD160, SHA512, KECCAK = (
    load(f"Crypto.Hash.{name}", "pycryptodome") for name in ("MD2", "MD4", "RIPEMD160", "SHA512", "keccak")
)

# ---------------------------------------------------------------- typed values

TEXT = "Wqzjxkvp and Tzxvbnqw wrote this as a test, nothing happened to Kjqzxwvbhg."
CANARIES = {
    "email": {"name": "email", "kind": "email", "value": "Qzkvwxj.Mtrplhd+bqxzk@Example.com"},
    "phone": {"name": "phone", "kind": "phone", "value": "07700900417"},
    "name": {"name": "first", "kind": "name", "value": "Vexqjorth"},
    "text": {"name": "account", "kind": "text", "value": TEXT},
}

# ------------------------------------------------------------- external tools

LZ_SCRIPT = """
const lz = require('lz-string');
const { method, text } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const out = lz[method](text);
const inverse = method.replace('compress', 'decompress').replace('To', 'From');
if (lz[inverse](out) !== text) throw new Error('no round trip');
const bytes = typeof out !== 'string' ? Buffer.from(out)
  : Buffer.from(out, method === 'compress' ? 'utf16le' : 'utf8');
process.stdout.write(bytes.toString('base64'));
"""


def lz_string(method, value):
    """Compress with the npm package lz-string; strings come back as UTF-8, `compress` as UTF-16LE."""
    request = json.dumps({"method": method, "text": value.decode()})
    done = subprocess.run(["node", "-e", LZ_SCRIPT], input=request.encode(), capture_output=True, check=True)
    return base64.b64decode(done.stdout)


def whirlpool(value):
    """Whirlpool with the openssl command: no maintained Python package has it."""
    command = ["openssl", "dgst", "-provider", "legacy", "-provider", "default", "-whirlpool", "-binary"]
    return subprocess.run(command, input=value, capture_output=True, check=True).stdout


# ------------------------------------------------------------------- digests


def murmur3_128(words, x64arch):
    """Murmur3 with seed 0 as murmurhash3js prints it: words in order, each big-endian."""
    return lambda v: struct.pack(">" + words, *struct.unpack("<" + words, mmh3.hash_bytes(v, 0, x64arch=x64arch)))


def hashlib_digest(name, **options):
    """A digest of the standard library, as a function from bytes to raw bytes."""
    return lambda value: getattr(hashlib, name)(value, **options).digest()


STANDARD = "md5 sha1 sha224 sha256 sha384 sha512 sha3_224 sha3_256 sha3_384 sha3_512".split()
DIGESTS = {
    **{name: hashlib_digest(name) for name in STANDARD},
    "sha512_256": lambda v: SHA512.new(v, truncate="256").digest(),
    "keccak256": lambda v: KECCAK.new(digest_bits=256, data=v).digest(),
    "blake2b_512": hashlib_digest("blake2b"),
    "blake2b_256": hashlib_digest("blake2b", digest_size=32),
    "blake2s_256": hashlib_digest("blake2s"),
    "md2": lambda v: MD2.new(v).digest(),
    "md4": lambda v: MD4.new(v).digest(),
    "ripemd160": lambda v: RIPEMD160.new(v).digest(),
    "whirlpool": whirlpool,
    "murmur3_x64_128": murmur3_128("2Q", True),
    "murmur3_x86_128": murmur3_128("4I", False),
    "murmur3_32": lambda v: struct.pack(">I", mmh3.hash(v, 0, signed=False)),
}

# How each published digest of the empty string starts; for murmur3, what
# murmurhash3js prints for MURMUR_TEXT.
MURMUR_TEXT = b"I will not buy this record, it is scratched."
KNOWN_DIGESTS = {
    "md2": "8350e5a3e24c153d", "md4": "31d6cfe0d16ae931", "md5": "d41d8cd98f00b204",
    "sha1": "da39a3ee5e6b4b0d", "sha224": "d14a028c2a3a2bc9", "sha256": "e3b0c44298fc1c14",
    "sha384": "38b060a751ac9638", "sha512": "cf83e1357eefb8bd", "sha512_256": "c672b8d1ef56ed28",
    "sha3_224": "6b4e03423667dbb7", "sha3_256": "a7ffc6f8bf1ed766", "sha3_384": "0c63a75b845e4f7d",
    "sha3_512": "a69f73cca23a9ac5", "keccak256": "c5d2460186f7233c", "blake2b_512": "786a02f742015903",
    "blake2b_256": "0e5751c026e543b2", "blake2s_256": "69217a3079908094", "ripemd160": "9c1185a5c5e9fc54",
    "whirlpool": "19fa61d75522a466", "murmur3_x64_128": "c382657f9a06c49d4a71fdc6d9b0d48f",
    "murmur3_x86_128": "a0a9683b25ac5e40d9af2895890dddf5", "murmur3_32": "a8d02b9a",
}

# --------------------------------------------------- encodings and other steps


def text_step(function):
    """Make a step on bytes of a function from text to text."""
    return lambda value: function(value.decode()).encode()


def each_char(template, keep=lambda char: False):
    """A step that writes every character's code by a format template, save those to keep."""
    return text_step(lambda s: "".join(c if keep(c) else template.format(ord(c)) for c in s))


def deflate(window_bits):
    """A step that compresses: 31 for gzip (mtime 0), 15 for zlib, -15 for raw deflate."""

    def step(value):
        packer = zlib.compressobj(9, zlib.DEFLATED, window_bits)
        packed = packer.compress(value) + packer.flush()
        assert zlib.decompress(packed, window_bits) == value
        return packed

    return step


def compact_json(data):
    """JSON as JavaScript's JSON.stringify writes it."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


def jwt(text):
    """A signed JSON Web Token with the value in its payload."""
    parts = [{"alg": "HS256", "typ": "JWT"}, {"email": text}]
    signed = b".".join(run_step("base64url_nopad", compact_json(part).encode()) for part in parts)
    signature = hmac.new(b"example-key", signed, hashlib.sha256).digest()
    return (signed + b"." + run_step("base64url_nopad", signature)).decode()


def local_part(change):
    """A step that changes the part of an e-mail address before its @."""
    return text_step(lambda s: change(s.split("@")[0]) + "@" + s.split("@")[1])


def international(text):
    """The phone number's digits with country code 44 for the leading 0."""
    return "44" + text.removeprefix("0")


STEPS = {
    "plain": lambda v: v,
    "lower": bytes.lower,
    "upper": bytes.upper,
    "reverse": lambda v: v[::-1],
    "rot13": text_step(lambda s: codecs.encode(s, "rot13")),
    "utf16le": lambda v: v.decode().encode("utf-16-le"),
    # escapes
    "percent": lambda v: quote(v, safe="").encode(),
    "percent_all": lambda v: b"".join(b"%%%02X" % byte for byte in v),
    "html_decimal": each_char("&#{};"),
    "html_hex": each_char("&#x{:x};"),
    "html_named": text_step(lambda s: html.escape(s, quote=False).replace("+", "&#43;").replace("@", "&#64;")),
    "js_u": each_char("\\u{:04x}"),
    "js_x": each_char("\\x{:02x}"),
    "json_string": text_step(compact_json),
    "json_escape_nonalnum": each_char("\\u{:04X}", keep=str.isalnum),
    # bases
    "hex": lambda v: v.hex().encode(),
    "hex_upper": lambda v: v.hex().upper().encode(),
    "base64": base64.b64encode,
    "base64_nopad": lambda v: base64.b64encode(v).rstrip(b"="),
    "base64url": base64.urlsafe_b64encode,
    "base64url_nopad": lambda v: base64.urlsafe_b64encode(v).rstrip(b"="),
    "base32": base64.b32encode,
    "base32_lower_nopad": lambda v: base64.b32encode(v).rstrip(b"=").lower(),
    "base58": lambda v: base58.b58encode(v),
    # compression
    "gzip": deflate(31),
    "zlib": deflate(15),
    "deflate": deflate(-15),
    "lz_base64": functools.partial(lz_string, "compressToBase64"),
    "lz_uri": functools.partial(lz_string, "compressToEncodedURIComponent"),
    "lz_utf16": functools.partial(lz_string, "compressToUTF16"),
    "lz_bytes": functools.partial(lz_string, "compressToUint8Array"),
    "lz_raw": functools.partial(lz_string, "compress"),
    # wrappers
    "json_em": text_step(lambda s: compact_json({"em": s})),
    "form_em": lambda v: b"a=1&em=" + quote_plus(v).encode(),
    "user_end": lambda v: b"user:" + v + b":end",
    "v1_dot": lambda v: b"v1." + v,
    "em_v2": lambda v: b"em:" + v + b"|v:2",
    "jwt": text_step(jwt),
    # parts and normal forms
    "first12": lambda v: v[:12],
    "first32": lambda v: v[:32],
    "first60": lambda v: v[:60],
    "drop_last1": lambda v: v[:-1],
    "drop_last2": lambda v: v[:-2],
    "local_part": lambda v: v.split(b"@")[0],
    "no_dots": local_part(lambda local: local.replace(".", "")),
    "no_tag": local_part(lambda local: local.split("+")[0]),
    "phone_spaced": text_step(lambda s: f"{s[:5]} {s[5:8]} {s[8:]}"),
    "phone_cc": text_step(international),
    "phone_e164": text_step(lambda s: "+" + international(s)),
    "phone_cc_spaced": text_step(lambda s: f"+{international(s)[:2]} {international(s)[2:6]} {international(s)[6:]}"),
}


def run_step(step, value):
    """Apply one step; a digest gives lower-case hex, or its raw bytes with the suffix _raw."""
    if step in STEPS:
        return STEPS[step](value)
    digest = DIGESTS[step.removesuffix("_raw")](value)
    return digest if step.endswith("_raw") else digest.hex().encode()


# ---------------------------------------------------------------- transforms

# A transform is KIND:STEP>STEP>..., its steps applied left to right. The email as
# typed has 33 bytes, so its base64 has no padding: other values show that.
TRANSFORMS = """
email:plain email:lower email:upper
email:percent email:percent>percent email:percent_all
email:html_decimal email:html_hex email:html_named email:js_u email:json_string
email:base64 email:form_em>base64_nopad email:gzip>base64url_nopad email:base64>base64 email:base64>base64>base64
email:hex email:hex_upper email:base64>hex email:hex>base64
email:base32 email:base32_lower_nopad email:base58
email:gzip>base64 email:zlib>base64 email:deflate>base64 email:gzip>hex email:base64>gzip>base64
email:lz_base64 email:lz_uri email:lz_utf16 email:lower>lz_bytes>base64 email:lz_bytes>hex email:lz_raw>base64
email:rot13 email:reverse email:base64>reverse email:base64>rot13 email:reverse>base64
email:json_em>base64 email:form_em>base64 email:json_em>json_string email:jwt
email:base64>v1_dot email:user_end>base64

email:lower>md2 email:lower>md4 email:lower>md5 email:lower>sha1 email:lower>sha224 email:lower>sha256
email:lower>sha384 email:lower>sha512 email:lower>sha512_256 email:lower>sha3_224 email:lower>sha3_256
email:lower>sha3_384 email:lower>sha3_512 email:lower>keccak256 email:lower>blake2b_512
email:lower>blake2s_256 email:lower>blake2b_256 email:lower>ripemd160 email:lower>whirlpool
email:lower>murmur3_x64_128 email:lower>murmur3_x86_128

email:lower>sha256>upper email:lower>sha256_raw>base64 email:lower>sha256_raw>base64url
email:lower>sha256_raw>base32 email:lower>md5>sha256 email:lower>sha256>sha256 email:lower>sha1>md5
email:lower>sha256>md5 email:upper>md5 email:sha256 email:lower>base64>sha256 email:lower>hex>md5
email:lower>percent>sha1 email:lower>no_dots>sha256 email:lower>no_tag>sha256
email:lower>no_dots>no_tag>sha256 email:lower>sha256_raw>base64>percent email:lower>sha256>em_v2
email:lower>sha256>first32 email:lower>sha256>reverse

phone:plain phone:phone_spaced phone:phone_cc_spaced
phone:phone_cc>sha256 phone:phone_e164>md5 phone:sha1
name:lower name:lower>sha256 name:lower>md5 name:base64
text:plain text:base64 text:first60 text:sha256
email:first12 email:drop_last2 email:lower>drop_last1>sha256 email:local_part

email:js_x email:json_escape_nonalnum email:lower>base64 email:utf16le>base64 email:gzip
email:json_em>gzip>base64 email:json_em>lz_uri email:md5 email:upper>sha256 email:lower>sha256>base64
email:lower>sha256_raw email:lower>murmur3_32
phone:base64 phone:base64_nopad text:gzip>base64 text:lz_base64
""".split()


def transform(name):
    """The canary, the transformed bytes and whether they hold only a digest."""
    kind, chain = name.split(":")
    value, steps = CANARIES[kind]["value"].encode(), chain.split(">")
    for step in steps:
        value = run_step(step, value)
    return CANARIES[kind], value, any(step.removesuffix("_raw") in DIGESTS for step in steps)


# -------------------------------------------------------------------- places

HOST = "https://collect.tracker.example"
PAGE = "https://www.site.example/"
HEADERS = [["accept", "*/*"], ["accept-language", "en-GB"], ["origin", "https://www.site.example"]]
# No text; the bytes next to the value are control bytes.
BINARY_BEFORE = bytes.fromhex("ff009d01fe02c303811ef70498100001")
BINARY_AFTER = bytes.fromhex("0200ff9a01fd0380")
FORM_TYPE = "application/x-www-form-urlencoded"
BOUNDARY = "----formboundary5c1f20b7"


def as_text(value):
    """Bytes as the characters of a JSON string: UTF-8 if valid, else latin-1."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def as_field(value):
    """Bytes in a header or cookie: what is not plain printable ASCII is percent-encoded."""
    return "".join(f"%{b:02X}" if b <= 0x20 or b >= 0x7F or b in b';,"\\%' else chr(b) for b in value)


def request(path, body=None, content_type=None, referer=PAGE, headers=(), cookies=(), frames=()):
    """The fields of a row that describe the request."""
    sent = [*HEADERS, ["referer", referer], *headers]
    if content_type:
        sent.append(["content-type", content_type])
    return {
        "url": HOST + path,
        "method": "GET" if body is None else "POST",
        "headers": sent,
        "cookies": [["theme", "dark"], *cookies, ["visits", "3"]],
        "body_base64": None if body is None else base64.b64encode(body).decode(),
        "frames": [base64.b64encode(frame).decode() for frame in frames],
    }


def multipart(fields):
    """A multipart/form-data body of raw field values."""
    head = '--{}\r\nContent-Disposition: form-data; name="{}"\r\n\r\n'
    parts = [head.format(BOUNDARY, name).encode() + value + b"\r\n" for name, value in fields]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def in_multipart(value):
    body = multipart([("pid", b"4821"), ("ev", b"PageView"), ("payload", value), ("sr", b"1280x800")])
    return request("/upload?pid=4821", body, f"multipart/form-data; boundary={BOUNDARY}")


def in_json(value):
    inner = compact_json({"user": {"v": as_text(value)}})
    body = compact_json({"ev": "PageView", "pid": 4821, "data": inner, "screen": [1280, 800]})
    return request("/batch", body.encode(), "application/json")


def in_websocket(value):
    frames = [b'{"type":"hello","pid":4821}', compact_json({"type": "event", "v": as_text(value)}).encode()]
    return request("/socket?pid=4821", headers=[["upgrade", "websocket"]], frames=frames)


PLACES = {
    "query": lambda v: request(f"/pixel?pid=4821&ev=PageView&v={quote(v, safe='')}&sr=1280x800"),
    "path": lambda v: request(f"/u/{quote(v, safe='')}/pixel.gif?pid=4821&sr=1280x800"),
    "referer": lambda v: request("/pixel?pid=4821", referer=f"{PAGE}welcome?step=2&v={quote(v, safe='')}&lang=en"),
    "cookie": lambda v: request("/pixel?pid=4821&ev=PageView", cookies=[["id", as_field(v)]]),
    "header": lambda v: request("/pixel?pid=4821&ev=PageView", headers=[["X-Data", as_field(v)]]),
    "form": lambda v: request("/tr", f"pid=4821&udff%5Bem%5D={quote_plus(v)}&sr=1280x800".encode(), FORM_TYPE),
    "multipart": in_multipart,
    "json": in_json,
    "binary": lambda v: request("/b?pid=4821", BINARY_BEFORE + v + BINARY_AFTER, "application/octet-stream"),
    "websocket": in_websocket,
}

# -------------------------------------------------------------------- checks


def check_tools():
    """Stop, naming what is missing, unless every tool is there."""
    probes = {
        "node with the npm package lz-string (set NODE_PATH to its node_modules)": lambda: lz_string("compress", b"a"),
        "openssl 3 with its legacy provider, for whirlpool": lambda: whirlpool(b""),
    }
    for label, probe in probes.items():
        try:
            probe()
        except (OSError, subprocess.CalledProcessError):
            MISSING.append(label)
    if MISSING:
        sys.exit("generate.py: missing tools:\n" + "".join(f"  - {line}\n" for line in MISSING))


def check_digests():
    """Compare every digest with its published value."""
    assert KNOWN_DIGESTS.keys() == DIGESTS.keys()
    for name, known in KNOWN_DIGESTS.items():
        value = MURMUR_TEXT if name.startswith("murmur3") else b""
        if not DIGESTS[name](value).hex().startswith(known):
            sys.exit(f"generate.py: {name} does not give its published value")


def check_innocent_parts():
    """See that no request holds a piece of a canary before the value is placed in it."""
    values = [canary["value"].lower().encode() for canary in CANARIES.values()]
    pieces = {value[i : i + 6] for value in values for i in range(len(value) - 5)}
    pieces -= {b"exampl", b"xample"}  # the reserved domain is in the host names too
    for name, place in PLACES.items():
        row = place(b"")
        raw = b"".join(base64.b64decode(part) for part in [row["body_base64"] or "", *row["frames"]])
        everything = (json.dumps(row).encode() + raw).lower()
        assert not any(piece in everything for piece in pieces), name


def rows():
    """Every row of the matrix, in order."""
    seen = {}
    for name in TRANSFORMS:
        canary, value, digest_only = transform(name)
        assert value not in seen, f"{name} gives the same value as {seen[value]}"
        seen[value] = name
        for place, build in PLACES.items():
            yield {
                "transform": name,
                "place": place,
                "canary": canary,
                "digest_only": digest_only,
                **build(value),
                "sent_value_base64": base64.b64encode(value).decode(),
            }


def main():
    """Check the tools, then write (or with --check, compare) the matrix."""
    check_tools()
    check_digests()
    check_innocent_parts()
    data = "".join(json.dumps(row) + "\n" for row in rows()).encode()
    count = data.count(b"\n")
    summary = f"{len(TRANSFORMS)} transforms x {len(PLACES)} places = {count} rows"
    if "--check" in sys.argv[1:]:
        if not OUTPUT.exists() or OUTPUT.read_bytes() != data:
            sys.exit(f"{os.path.relpath(OUTPUT)} differs from a fresh run ({summary})")
        print(f"unchanged: {summary}")
        return
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_bytes(data)
    print(summary)


if __name__ == "__main__":
    main()
