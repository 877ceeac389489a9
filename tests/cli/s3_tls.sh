#!/bin/sh
# S3 over TLS: the server's certificate is verified, with ca_file or not at
# all; plain HTTP goes to loopback only.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../estate.sh"
if [ -z "${S3_ENDPOINT:-}" ]; then
	skip s3_tls "no S3 server (S3_ENDPOINT is not set)"
	finish
fi
people
Q=$BIN/quietus
cd "$T" || exit 1
unset AWS_CA_BUNDLE
B=cli-tls-$$
s3() {
	curl -sS --aws-sigv4 aws:amz:us-east-1:s3 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
		-H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$@"
}
there() { s3 "$S3_ENDPOINT/$B?prefix=clients%2F7%2F" | grep -o '<Key>' | wc -l; }
s3 -o /dev/null -X PUT "$S3_ENDPOINT/$B"
for k in a b c; do s3 -o /dev/null -X PUT --data-binary "$k" "$S3_ENDPOINT/$B/clients/7/$k"; done
certificate() { # NAME SUBJECT-ALTERNATIVE
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$1" \
		-addext "subjectAltName=$2" -keyout "$1.key" -out "$1.pem" 2>/dev/null
}
front() { # NAME: TLS with that certificate; its port in $port
	node "$lib_root/tests/servers/tls-front.js" "$1.pem" "$1.key" "${S3_ENDPOINT##*:}" >"$1.port" 2>"$1.log" &
	fronts="$fronts $!"
	i=0
	while [ ! -s "$1.port" ] && [ $i -lt 100 ]; do
		sleep 0.1
		i=$((i + 1))
	done
	port=$(cat "$1.port")
}
source_tls() { # MORE
	printf '{ name = "media"; provider = "s3"; bucket = "%s"; prefix = "clients/{client}/"; endpoint = "https://127.0.0.1:%s"; region = "us-east-1"; addressing = "path";%s }' "$B" "$port" "$1"
}
fronts=
certificate right IP:127.0.0.1
certificate wrong DNS:elsewhere.example
front wrong
closeout wrong-name "$(source_tls ' ca_file = "wrong.pem";')"
expect certificate-for-another-host-is-refused 1 "$Q" plan wrong-name.cfg
says refusal-speaks-of-the-certificate "certificate\|SSL\|TLS"
front right
closeout unknown "$(source_tls)"
expect unknown-authority-is-refused 1 "$Q" plan unknown.cfg
closeout other "$(source_tls ' ca_file = "wrong.pem";')"
expect another-authority-is-refused 1 "$Q" plan other.cfg
closeout missing "$(source_tls ' ca_file = "none.pem";')"
"$Q" plan missing.cfg >/dev/null 2>&1
[ $? != 0 ] && ok missing-ca-file-is-refused || not_ok missing-ca-file-is-refused
is objects-are-there "$(there)" 3
closeout known "$(source_tls ' ca_file = "right.pem";')"
expect known-authority-plans 0 "$Q" plan known.cfg
approve known
expect known-authority-destroys 0 "$Q" destroy known
is objects-are-gone "$(there)" 0
expect known-authority-certifies 0 "$Q" certify known
port=1
sed 's|https://127.0.0.1:[0-9]*|http://192.0.2.1|; s/id = "known"/id = "plain"/' known.cfg >plain.cfg
"$Q" plan plain.cfg >out 2>&1
is plain-http-elsewhere-is-refused $? 2
says plain-http-names-insecure insecure out
for p in $fronts; do kill "$p"; done
finish
