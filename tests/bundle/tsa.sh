#!/usr/bin/env bash
# Makes a time-stamping authority of one's own in a folder, with openssl: a root (ca.pem) and the certificate that stamps. It
# proves nothing to anybody, and lets RFC 3161 be tested without a network. tsa.py answers requests by it; by hand:
#
#   openssl ts -query -data FILE -sha256 -cert -out FILE.tsq
#   openssl ts -reply -queryfile FILE.tsq -config FOLDER/tsa.cnf -out FILE.tsr
#   openssl ts -verify -data FILE -in FILE.tsr -CAfile FOLDER/ca.pem
#
# Usage: tests/bundle/tsa.sh FOLDER [NAME]
set -euo pipefail
folder=${1:?usage: tsa.sh FOLDER [NAME]}
name=${2:-Time stamps for tests}
mkdir -p "$folder"
folder=$(realpath "$folder")

# openssl takes relative paths for those of the working directory, so everything is written out in full.
cat >"$folder/tsa.cnf" <<CONFIG
[ tsa ]
default_tsa = tsa_config

[ tsa_config ]
serial = $folder/serial
crypto_device = builtin
signer_cert = $folder/tsa.crt
certs = $folder/ca.pem
signer_key = $folder/tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.13762.3
digests = sha256, sha384, sha512
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256

[ req ]
distinguished_name = nothing_asked
prompt = no

[ nothing_asked ]
CN = unused

[ root ]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash

[ stamping ]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
# RFC 3161, 2.3: this use alone, and critical.
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
CONFIG

quietly() {
    "$@" 2>"$folder/openssl.log" || { cat "$folder/openssl.log" >&2; return 1; }
}
quietly openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 3650 -config "$folder/tsa.cnf" \
    -extensions root -subj "/O=$name/CN=$name: root" -keyout "$folder/ca.key" -out "$folder/ca.pem"
quietly openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config "$folder/tsa.cnf" \
    -subj "/O=$name/CN=$name: authority" -keyout "$folder/tsa.key" -out "$folder/tsa.csr"
quietly openssl x509 -req -in "$folder/tsa.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -CAserial "$folder/ca.srl" \
    -CAcreateserial -sha256 -days 3650 -extfile "$folder/tsa.cnf" -extensions stamping -out "$folder/tsa.crt"
echo 01 >"$folder/serial"
rm -f "$folder/openssl.log" "$folder/tsa.csr"
