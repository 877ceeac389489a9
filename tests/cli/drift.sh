#!/bin/sh
# What changes between plan and destruction: exit 5 and nothing touched, then
# plan --delta finishes the case; what vanished is absent (I1, I7).
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../estate.sh"
people
Q=$BIN/quietus
cd "$T" || exit 1
line() { # CASE VERDICT: items with that verdict
	"$Q" status "$1" --json | jq "[.sources[].classes[] | select(.verdict == \"$2\") | .items] | add // 0"
}
kind() { "$Q" status "$1" --json | jq -r .certificate; }
begin() {
	rm -rf files
	files
	closeout "$1" "$FILES"
	"$Q" plan "$1.cfg" >/dev/null && approve "$1"
}

# ---- a new file
begin new
echo "late upload" >files/7/late.txt
expect new-file-stops-destroy 5 "$Q" destroy new
[ -e files/7/contract.txt ] && ok nothing-destroyed-with-a-new-file || not_ok nothing-destroyed-with-a-new-file
expect delta-plans-the-new-file 0 "$Q" plan --delta new
is delta-holds-only-what-is-new "$(jq '.sources[0].items' cases/new/plan-2.json)" 1
expect delta-needs-approvals 5 "$Q" destroy new
approve new
expect delta-finishes 0 "$Q" destroy new
[ ! -e files/7 ] && ok delta-leaves-nothing || not_ok delta-leaves-nothing
expect delta-certifies 0 "$Q" certify new
is delta-is-final "$(kind new)" final
expect delta-verifies 0 "$BIN/quietus-verify" cases/new/certificate.json --trust processor.pem
is both-plans-are-named "$(jq '.plans | length' cases/new/certificate.json)" 2

# ---- a changed file
begin changed
echo "edited after the plan" >>files/7/contract.txt
expect changed-file-stops-destroy 5 "$Q" destroy changed
[ -e files/7/sub/photo.jpg ] && ok nothing-destroyed-with-a-changed-file || not_ok nothing-destroyed-with-a-changed-file
"$Q" plan --delta changed >/dev/null && approve changed
expect changed-file-is-destroyed-under-the-delta 0 "$Q" destroy changed
expect changed-file-certifies 0 "$Q" certify changed
is changed-file-is-final "$(kind changed)" final
expect changed-file-verifies 0 "$BIN/quietus-verify" cases/changed/certificate.json --trust processor.pem

# ---- a vanished file
begin gone
[ -e files/7/sub/photo.jpg ] && ok file-is-there-before-it-vanishes || not_ok file-is-there-before-it-vanishes
rm files/7/sub/photo.jpg
expect vanished-file-is-no-obstacle 0 "$Q" destroy gone
is vanished-file-is-absent "$(line gone absent)" 1
expect vanished-file-certifies 0 "$Q" certify gone
expect absent-is-a-reservation 1 "$BIN/quietus-verify" cases/gone/certificate.json --trust processor.pem --strict
expect reservation-is-still-final 0 "$BIN/quietus-verify" cases/gone/certificate.json --trust processor.pem

# ---- re-created after the destruction
begin back
"$Q" destroy back >/dev/null
[ ! -e files/7 ] && ok gone-before-it-is-made-again || not_ok gone-before-it-is-made-again
mkdir files/7 && echo again >files/7/contract.txt
expect re-created-file-is-seen 4 "$Q" destroy back
"$Q" certify back >/dev/null
is re-created-file-is-not-final "$(kind back)" exception-report
"$Q" plan --delta back >/dev/null && approve back
expect re-created-file-is-destroyed 0 "$Q" destroy back
expect re-created-file-certifies 0 "$Q" certify back
is re-created-file-is-final-in-the-end "$(kind back)" final
expect re-created-file-verifies 0 "$BIN/quietus-verify" cases/back/certificate.json --trust processor.pem

# ---- retained (I3): a subtree stays, to the byte
rm -rf files
files
mkdir files/7/invoices && echo "invoice 1" >files/7/invoices/1.pdf
closeout keep "$FILES" 'retention = ( { name = "invoices"; source = "files"; path = "invoices"; ground = "Code de commerce, art. L123-22 (10 years)"; until = "2036-12-31"; } );'
"$Q" plan keep.cfg >/dev/null && approve keep
expect destroy-with-retention 0 "$Q" destroy keep
is retained-file-is-untouched "$(cat files/7/invoices/1.pdf)" "invoice 1"
[ ! -e files/7/contract.txt ] && ok the-rest-is-gone || not_ok the-rest-is-gone
expect certify-with-retention 0 "$Q" certify keep
is retention-is-final "$(kind keep)" final
is ground-is-in-the-certificate "$(jq -r '.retained[0].ground' cases/keep/certificate.json)" "Code de commerce, art. L123-22 (10 years)"
expect retention-is-a-reservation 1 "$BIN/quietus-verify" cases/keep/certificate.json --trust processor.pem --strict

# ---- a copy out of reach
rm -rf files
files
ln files/7/contract.txt files/77/kept-link
closeout linked "$FILES"
"$Q" plan linked.cfg >/dev/null 2>&1
if [ "$("$Q" status linked --json | jq '.blockers | length')" -gt 0 ]; then
	expect hard-link-outside-blocks-approval 5 "$Q" approve linked --certificate alice.pem --key alice.key
else
	not_ok hard-link-outside-blocks-approval
fi
is linked-content-is-untouched "$(cat files/77/kept-link)" "client seven, contract"
finish
