#!/bin/sh
# One client's objects in a real S3 store (radosgw): every version, delete
# marker and unfinished upload; hostile neighbours; planted copies of every
# class; object lock (I3, I5, I10).
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../estate.sh"
if [ -z "${S3_ENDPOINT:-}" ]; then
	skip s3 "no S3 server (S3_ENDPOINT is not set)"
	finish
fi
people
Q=$BIN/quietus
cd "$T" || exit 1
B=cli-s3-$$

s3() { # curl options and a URL
	curl -sS --aws-sigv4 aws:amz:us-east-1:s3 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
		-H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$@"
}
put() { s3 -o /dev/null -X PUT --data-binary "$2" "$S3_ENDPOINT/$B/$1"; }
code() { s3 -o /dev/null -w '%{http_code}' "$@"; }
md5() { printf '%s' "$1" | openssl md5 -binary | openssl base64; }
slashes() { echo "$1" | sed 's|/|%2F|g'; } # as the signature wants them
versions() { # PREFIX: how many versions and markers
	s3 "$S3_ENDPOINT/$B?prefix=$(slashes "$1")&versions=" | grep -o '<VersionId>' | wc -l
}
uploads() { s3 "$S3_ENDPOINT/$B?prefix=$(slashes "$1")&uploads=" | grep -o '<UploadId>[^<]*' | cut -d'>' -f2; }
start_upload() {
	s3 -X POST "$S3_ENDPOINT/$B/$1?uploads=" | grep -o '<UploadId>[^<]*' | cut -d'>' -f2
}
version_of() { s3 -I "$S3_ENDPOINT/$B/$1" | tr -d '\r' | awk 'tolower($1) == "x-amz-version-id:" {print $2}'; }
source_s3() { # BUCKET PREFIX
	printf '{ name = "media"; provider = "s3"; bucket = "%s"; prefix = "%s"; endpoint = "%s"; region = "us-east-1"; addressing = "path"; category = "attachments"; }' "$1" "$2" "$S3_ENDPOINT"
}
kind() { "$Q" status "$1" --json | jq -r .certificate; }
items() { "$Q" status "$1" --json | jq "[.sources[].classes[] | select(.class == \"$2\") | .items] | add // 0"; }

s3 -o /dev/null -X PUT "$S3_ENDPOINT/$B"
s3 -o /dev/null -X PUT --data-binary '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>' "$S3_ENDPOINT/$B?versioning="
for k in a b 'with%20space' 'plus%2Bsign' '%3Cmarkup%3E%26amp%3B' 'caf%C3%A9' 'deep/er/key' 'percent%25'; do
	put "clients/7/$k" "client seven $k"
done
put clients/7/a "second version"
s3 -o /dev/null -X DELETE "$S3_ENDPOINT/$B/clients/7/b"
up=$(start_upload clients/7/unfinished)
s3 -o /dev/null -X PUT --data-binary part "$S3_ENDPOINT/$B/clients/7/unfinished?partNumber=1&uploadId=$up"
put clients/77/a "neighbour"
put clients/70 "neighbour"
put clients/8/a "neighbour"
start_upload clients/77/unfinished >neighbour.upload
before=$(versions clients/77; versions clients/70; versions clients/8; uploads clients/77)

# ---- the way through
closeout media "$(source_s3 "$B" 'clients/{client}/')"
expect check-finds-nothing-in-the-way 0 "$Q" check media.cfg
expect plan 0 "$Q" plan media.cfg
is every-version-is-planned "$(items media current)+$(items media noncurrent)" 7+2
is the-marker-is-planned "$(items media delete-marker)" 1
is the-upload-is-planned "$(items media unfinished-upload)" 1
approve media
is versions-are-there-before "$(versions clients/7/)" 10
expect destroy 0 "$Q" destroy media
is no-version-is-there-after "$(versions clients/7/)" 0
is no-upload-is-there-after "$(uploads clients/7/)" ""
is neighbours-are-as-before "$(versions clients/77; versions clients/70; versions clients/8; uploads clients/77)" "$before"
expect certify 0 "$Q" certify media
is final "$(kind media)" final
expect verifies 0 "$BIN/quietus-verify" cases/media/certificate.json --trust processor.pem
is every-class-has-a-verdict "$(jq '[.sources[0].classes[].class] | unique | length' cases/media/certificate.json)" 7

# ---- planted copies: each class, after the destruction
# planted CLASS: something of that class was planted
planted() {
	"$Q" destroy media >out 2>&1
	not=$?
	"$Q" certify media >/dev/null 2>&1
	if [ "$not" != 0 ] && [ "$(kind media)" = exception-report ]; then
		ok "planted-$1-forbids-final"
	else
		not_ok "planted-$1-forbids-final" "destroy said $not, the case says $(kind media)"
	fi
}
removed() {
	expect "removed-$1-destroys" 0 "$Q" destroy media
	"$Q" certify media >/dev/null 2>&1
	is "removed-$1-is-final-again" "$(kind media)" final
}
put clients/7/back "planted"
v1=$(version_of clients/7/back)
is planted-current-is-there "$(versions clients/7/)" 1
planted current
put clients/7/back "planted again"
v2=$(version_of clients/7/back)
s3 -o /dev/null -X DELETE "$S3_ENDPOINT/$B/clients/7/back?versionId=$v2"
s3 -o /dev/null -X DELETE "$S3_ENDPOINT/$B/clients/7/back?versionId=$v1"
removed current
put clients/7/back "planted"
v1=$(version_of clients/7/back)
s3 -o /dev/null -D head -X DELETE "$S3_ENDPOINT/$B/clients/7/back"
m=$(tr -d '\r' <head | awk 'tolower($1) == "x-amz-version-id:" {print $2}')
is planted-noncurrent-is-there "$(versions clients/7/)" 2
planted noncurrent
s3 -o /dev/null -X DELETE "$S3_ENDPOINT/$B/clients/7/back?versionId=$v1"
is planted-marker-is-there "$(versions clients/7/)" 1
planted delete-marker
s3 -o /dev/null -X DELETE "$S3_ENDPOINT/$B/clients/7/back?versionId=$m"
removed delete-marker
up=$(start_upload clients/7/again)
is planted-upload-is-there "$(uploads clients/7/)" "$up"
planted unfinished-upload
s3 -o /dev/null -X DELETE "$S3_ENDPOINT/$B/clients/7/again?uploadId=$up"
removed unfinished-upload

# ---- a new version between plan and destruction; one that vanished
put clients/9/x one
put clients/9/y two
sed 's/client = "7"/client = "9"/; s/"media"; c/"nine"; c/; s/id = "media"/id = "nine"/' media.cfg >nine.cfg
"$Q" plan nine.cfg >/dev/null && approve nine
put clients/9/x newer
expect new-version-is-drift 5 "$Q" destroy nine
is drift-touches-nothing "$(versions clients/9/)" 3
vy=$(version_of clients/9/y)
s3 -o /dev/null -X DELETE "$S3_ENDPOINT/$B/clients/9/y?versionId=$vy"
"$Q" plan --delta nine >/dev/null && approve nine
expect delta-finishes 0 "$Q" destroy nine
is delta-leaves-nothing "$(versions clients/9/)" 0
expect delta-certifies 0 "$Q" certify nine
is vanished-is-absent "$("$Q" status nine --json | jq '[.sources[].classes[] | select(.verdict == "absent") | .items] | add')" 1
expect delta-verifies 0 "$BIN/quietus-verify" cases/nine/certificate.json --trust processor.pem

# ---- object lock: scheduled with its date, refused under a hold
L=$B-lock
s3 -o /dev/null -X PUT -H 'x-amz-bucket-object-lock-enabled: true' "$S3_ENDPOINT/$L"
s3 -o /dev/null -X PUT --data-binary locked "$S3_ENDPOINT/$L/clients/7/locked"
s3 -o /dev/null -X PUT --data-binary free "$S3_ENDPOINT/$L/clients/7/free"
until=$(date -u -d '+12 seconds' +%Y-%m-%dT%H:%M:%SZ)
body="<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>COMPLIANCE</Mode><RetainUntilDate>$until</RetainUntilDate></Retention>"
is lock-is-set "$(code -X PUT -H "Content-MD5: $(md5 "$body")" --data-binary "$body" "$S3_ENDPOINT/$L/clients/7/locked?retention=")" 200
closeout locked "$(source_s3 "$L" 'clients/{client}/')"
"$Q" plan locked.cfg >/dev/null && approve locked
expect locked-is-not-final 4 "$Q" destroy locked
expect locked-certifies 0 "$Q" certify locked
is locked-is-interim "$(kind locked)" interim
is locked-is-scheduled "$(jq -r '.scheduled[0].until' cases/locked/certificate.json)" "$until"
expect locked-verifies-not-final 1 "$BIN/quietus-verify" cases/locked/certificate.json --trust processor.pem
while [ "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \< "$until" ]; do sleep 1; done
sleep 1
expect unlocked-is-destroyed 0 "$Q" destroy locked
expect unlocked-certifies 0 "$Q" certify locked
is unlocked-is-final "$(kind locked)" final
s3 -o /dev/null -X PUT --data-binary held "$S3_ENDPOINT/$L/clients/8/held"
body='<LegalHold xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>ON</Status></LegalHold>'
is hold-is-set "$(code -X PUT -H "Content-MD5: $(md5 "$body")" --data-binary "$body" "$S3_ENDPOINT/$L/clients/8/held?legal-hold=")" 200
sed 's/client = "7"/client = "8"/; s/id = "locked"/id = "held"/' locked.cfg >held.cfg
"$Q" plan held.cfg >/dev/null && approve held
expect held-is-not-final 4 "$Q" destroy held
expect held-is-an-exception 4 "$Q" certify held
is held-is-refused "$("$Q" status held --json | jq -r '.sources[0].classes[] | select(.items > 0) | .verdict')" refused
body='<LegalHold xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>OFF</Status></LegalHold>'
s3 -o /dev/null -X PUT -H "Content-MD5: $(md5 "$body")" --data-binary "$body" "$S3_ENDPOINT/$L/clients/8/held?legal-hold="
expect released-is-destroyed 0 "$Q" destroy held
expect released-certifies 0 "$Q" certify held
is released-is-final "$(kind held)" final

# ---- the whole bucket: deleting it is the store's own proof
W=$B-whole
s3 -o /dev/null -X PUT "$S3_ENDPOINT/$W"
s3 -o /dev/null -X PUT --data-binary '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>' "$S3_ENDPOINT/$W?versioning="
for k in a b c; do s3 -o /dev/null -X PUT --data-binary "$k" "$S3_ENDPOINT/$W/$k"; done
closeout whole "{ name = \"media\"; provider = \"s3\"; bucket = \"$W\"; whole = true; endpoint = \"$S3_ENDPOINT\"; region = \"us-east-1\"; addressing = \"path\"; }"
expect whole-plan 0 "$Q" plan whole.cfg
expect whole-approval 0 "$Q" approve whole --certificate alice.pem --key alice.key
says whole-approver-is-told "place itself is removed"
approve whole
is whole-bucket-is-there "$(code "$S3_ENDPOINT/$W")" 200
expect whole-destroy 0 "$Q" destroy whole
is whole-bucket-is-gone "$(code "$S3_ENDPOINT/$W")" 404
expect whole-destroy-again 0 "$Q" destroy whole
expect whole-certify 0 "$Q" certify whole
is whole-is-final "$(kind whole)" final
says whole-proof-is-in-the-certificate "deleted after the check" cases/whole/certificate.json
expect whole-verifies 0 "$BIN/quietus-verify" cases/whole/certificate.json --trust processor.pem
is bucket-with-others-is-kept "$(code "$S3_ENDPOINT/$B")" 200

# killed around the deletion of the bucket: the check before it stands
case "$BIN" in
*asan*) echo "# not killed under AddressSanitizer: a preloaded library excludes it" ;;
*)
	cc -shared -fPIC -o killat.so "$lib_root/tests/faults/killat.c" -ldl
	sealed() { # POINT: a fresh bucket; destroy is killed at that point
		s3 -o /dev/null -X PUT "$S3_ENDPOINT/$W"
		s3 -o /dev/null -X PUT --data-binary x "$S3_ENDPOINT/$W/a"
		rm -rf cases/whole
		"$Q" plan whole.cfg >/dev/null 2>&1 && approve whole
		KILL_COUNT=$T/count KILL_AT=$1 LD_PRELOAD=$T/killat.so "$Q" destroy whole >/dev/null 2>&1
	}
	sealed 0
	last=$(cat count)
	bad=0 at=$((last - 26))
	while [ $at -le "$last" ]; do
		sealed $at
		"$Q" destroy whole >out 2>&1 || bad=$((bad + 1))
		"$Q" certify whole >>out 2>&1
		[ "$(kind whole)" = final ] && [ "$(code "$S3_ENDPOINT/$W")" = 404 ] || { bad=$((bad + 1)); sed 's/^/# /' out; }
		at=$((at + 1))
	done
	is killed-around-the-seal-carries-on $bad 0
	;;
esac

# ---- wrong credentials, wrong bucket, wrong prefix
put clients/7/once more
sed "s/id = \"media\"/id = \"wrong\"/" media.cfg >wrong.cfg
AWS_SECRET_ACCESS_KEY=wrong expect wrong-secret-fails-cleanly 1 "$Q" plan wrong.cfg
sed "s/$B\"/$B-none\"/; s/id = \"media\"/id = \"nobucket\"/" media.cfg >nobucket.cfg
expect missing-bucket-fails-cleanly 1 "$Q" plan nobucket.cfg
sed 's|clients/{client}/"|clients/{client}"|; s/id = "media"/id = "noslash"/' media.cfg >noslash.cfg
expect prefix-without-slash-is-usage 2 "$Q" plan noslash.cfg
is nothing-was-touched "$(versions clients/7/)" 1
finish
