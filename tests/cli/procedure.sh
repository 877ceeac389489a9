#!/bin/sh
# The procedure from plan to close, and every refusal on the way (I1, I2, I9,
# I11): a refused step leaves the data untouched.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../estate.sh"
people
Q=$BIN/quietus
cd "$T" || exit 1

untouched() {
	if [ "$(cat files/7/contract.txt 2>/dev/null)" = "client seven, contract" ] && [ -d files/7/sub/empty ]; then
		ok "$1"
	else
		not_ok "$1"
	fi
}
state() { "$Q" status "cases/$1" --json | jq -r .state; }
certificate() { "$Q" status "cases/$1" --json | jq -r .certificate; }

files
# ---- before approval
closeout one "$FILES"
expect plan-is-written 0 "$Q" plan one.cfg
is status-says-planned "$(state one)" planned
is status-says-no-certificate "$(certificate one)" none
expect destroy-without-approval-is-refused 5 "$Q" destroy one
expect refusal-with-json 5 "$Q" destroy one --json
is refusal-is-one-json-document "$(jq -r .exit "$T/out")" 5
expect certify-before-destruction-is-refused 5 "$Q" certify one
expect close-before-certificate-is-refused 5 "$Q" close one
expect run-waits-for-approvals 5 "$Q" run one.cfg
expect stranger-cannot-approve 5 "$Q" approve one --certificate mallory.pem --key mallory.key
expect key-of-another-is-refused 2 "$Q" approve one --certificate alice.pem --key bob.key
expect approve-needs-a-key 2 "$Q" approve one --certificate alice.pem
expect first-approval 0 "$Q" approve one --certificate alice.pem --key alice.key
expect the-same-approver-again 0 "$Q" approve one --certificate alice.pem --key alice.key
expect one-approver-twice-is-one 5 "$Q" destroy one
untouched nothing-destroyed-before-approval

# ---- an approval made elsewhere with stock openssl
openssl cms -sign -binary -outform DER -md sha256 -cades -signer bob.pem -inkey bob.key \
	-in cases/one/plan.json -out bob.p7s 2>/dev/null
cp bob.p7s broken.p7s
printf 'x' | dd of=broken.p7s bs=1 seek=200 conv=notrunc 2>/dev/null
expect broken-approval-is-refused 5 "$Q" approve one --signature broken.p7s
expect approval-from-elsewhere 0 "$Q" approve one --signature bob.p7s
is status-says-approved "$(state one)" approved
expect run-never-begins-a-destruction 5 "$Q" run one
untouched run-destroyed-nothing

# ---- texts that no certificate may hold are refused while planning
sed 's/clause = "Appendix 1, section 9"/clause = "destroyed as in DIN 66399"/; s/id = "one"/id = "claims"/' one.cfg >claims.cfg
expect plan-that-claims-a-standard-is-refused 2 "$Q" plan claims.cfg
[ ! -e cases/claims ] && ok refused-plan-leaves-nothing || not_ok refused-plan-leaves-nothing

# ---- an approval from a clock that is ahead would spoil the certificate
closeout ahead "$FILES"
"$Q" plan ahead.cfg >/dev/null && approve ahead
cc -shared -fPIC -o clockat.so "$lib_root/tests/cli/clockat.c"
CLOCK_AHEAD=86400 LD_PRELOAD=$T/clockat.so openssl cms -sign -binary -outform DER -md sha256 -cades -signer bob.pem -inkey bob.key \
	-in cases/ahead/plan.json -out tomorrow.p7s 2>/dev/null
expect approval-of-tomorrow-is-taken 0 "$Q" approve ahead --signature tomorrow.p7s
expect approval-of-tomorrow-waits 5 "$Q" destroy ahead
says approval-of-tomorrow-names-the-clock clock

# ---- what was swapped after the approval
expect approved-plan-is-not-overwritten 5 "$Q" plan one.cfg
cp alice.pem alice.keep
cp mallory.pem alice.pem
expect swapped-approver-is-refused 5 "$Q" destroy one
cp alice.keep alice.pem
cp processor.pem processor.keep
cp mallory.pem processor.pem
expect swapped-signer-is-refused 5 "$Q" destroy one
cp processor.keep processor.pem
cp cases/one/closeout.cfg closeout.keep
sed 's/client = "7"/client = "77"/' closeout.keep >cases/one/closeout.cfg
expect edited-closeout-copy-is-refused 5 "$Q" destroy one
cp closeout.keep cases/one/closeout.cfg
cp cases/one/plan.json plan.keep
sed 's/"approvals_required": 2/"approvals_required": 1/' plan.keep >cases/one/plan.json
expect edited-plan-is-refused 5 "$Q" destroy one
cp plan.keep cases/one/plan.json
cp cases/one/ledger.db ledger.keep
sqlite3 cases/one/ledger.db "UPDATE item SET bytes = bytes + 1 WHERE bytes > 0"
expect edited-ledger-is-refused 5 "$Q" destroy one
rm -f cases/one/ledger.db-wal cases/one/ledger.db-shm
cp ledger.keep cases/one/ledger.db
sqlite3 cases/one/ledger.db "DELETE FROM item WHERE id = (SELECT max(id) FROM item)"
expect item-taken-from-the-ledger-is-refused 5 "$Q" destroy one
rm -f cases/one/ledger.db-wal cases/one/ledger.db-shm
cp ledger.keep cases/one/ledger.db
untouched nothing-destroyed-after-swaps

# ---- an approval for another plan
closeout two "$FILES"
"$Q" plan two.cfg >/dev/null
cp cases/one/approvals/*.p7s cases/two/approvals/
expect approval-for-another-plan-is-refused 5 "$Q" destroy two
rm -f cases/two/approvals/*
approve two
expect again-replaces-an-approved-plan 0 "$Q" plan --again two.cfg
expect again-voids-the-approvals 5 "$Q" destroy two
untouched nothing-destroyed-with-void-approvals

# ---- date, choice, empty source, lock
NOT_BEFORE=2099-01-01T00:00:00Z closeout late "$FILES"
"$Q" plan late.cfg >/dev/null && approve late
expect nothing-before-the-date 5 "$Q" destroy late
CHOICE=return CONTROLLER=1 closeout back "$FILES"
expect a-return-is-planned 0 "$Q" plan back.cfg
approve back
expect a-return-is-not-destroyed 5 "$Q" destroy back
untouched nothing-destroyed-early-or-unreturned
closeout empty '{ name = "none"; provider = "directory"; path = "nowhere/{client}"; }'
mkdir -p nowhere
expect empty-source-is-planned 0 "$Q" plan empty.cfg
expect empty-source-is-planned-as-json 0 "$Q" plan empty.cfg --json
says empty-source-blocks selects-nothing "$T/out"
expect blocked-plan-is-not-approved 5 "$Q" approve empty --certificate alice.pem --key alice.key
(
	exec 9>cases/one/lock
	flock 9
	sleep 3
) &
locker=$!
sleep 0.3
expect case-in-use-is-refused 5 "$Q" destroy one
expect status-of-a-case-in-use 0 "$Q" status one
wait "$locker"
expect unknown-case-is-usage 2 "$Q" status nonesuch
expect unknown-command-is-usage 2 "$Q" obliterate
expect unknown-option-is-usage 2 "$Q" destroy one --force
expect missing-argument-is-usage 2 "$Q" destroy
expect help-is-help 0 "$Q" destroy --help
untouched everything-is-there-before-destruction

# ---- the way through
CONTROLLER=1 closeout final "$FILES"
"$Q" plan final.cfg >/dev/null && approve final
expect destroy-succeeds 0 "$Q" destroy final
[ ! -e files/7 ] && ok scope-is-gone || not_ok scope-is-gone
is neighbour-is-untouched "$(cat files/77/contract.txt)" neighbour
is status-says-destroyed "$(state final)" destroyed
expect certify-succeeds 0 "$Q" certify final
is status-says-certified "$(state final)" certified
is status-says-final "$(certificate final)" final
is items-are-counted "$("$Q" status final --json | jq '.sources[0].items')" 5
is the-class-is-destroyed-verified "$("$Q" status final --json | jq -r '.sources[0].classes[0].verdict')" destroyed-verified
expect certificate-verifies 0 "$BIN/quietus-verify" cases/final/certificate.json --trust processor.pem
expect without-trust-it-cannot-be-checked 3 "$BIN/quietus-verify" cases/final/certificate.json
expect stock-openssl-accepts-it 0 openssl cms -verify -binary -inform DER -content cases/final/certificate.json \
	-in cases/final/certificate.json.p7s -CAfile processor.pem -purpose any -out /dev/null
for f in cases/final/inventory/*.cms; do
	openssl cms -decrypt -inform DER -binary -inkey controller.key -recip controller.pem -in "$f"
done >inventory.txt
is inventory-has-every-item "$(grep -c . inventory.txt)" 5
expect inventory-leads-to-the-roots 0 "$BIN/quietus-verify" cases/final/certificate.json --trust processor.pem --inventory inventory.txt
sed '1d' inventory.txt >short.txt
expect short-inventory-does-not 2 "$BIN/quietus-verify" cases/final/certificate.json --trust processor.pem --inventory short.txt

# ---- I9: no name from the data in what is handed out; the names are there
# in the ledger, so the search can find them
names='contract.txt\|photo.jpg\|client seven'
grep -aq photo.jpg cases/final/ledger.db && ok names-are-in-the-ledger || not_ok names-are-in-the-ledger
if grep -arl "$names" cases/final/certificate.json* cases/final/plan.json cases/final/approvals trail >/dev/null; then
	not_ok no-name-in-evidence
else
	ok no-name-in-evidence
fi
is modes-are-private "$(find cases trail \( -type d ! -perm 700 \) -o \( -type f ! -perm 600 \) | wc -l)" 0

# ---- once more
sum=$(sha256sum <cases/final/certificate.json)
expect certify-again-is-the-same 0 "$Q" certify final
is the-bytes-are-the-same "$(sha256sum <cases/final/certificate.json)" "$sum"
expect destroy-again-finds-nothing 0 "$Q" destroy final
is counts-are-those-of-the-inventory "$("$Q" status final --json | jq '.sources[0].items')" 5
expect certify-after-a-second-look 0 "$Q" certify final
is the-earlier-one-is-named "$(jq -r '.earlier[0].kind' cases/final/certificate.json)" final
expect the-earlier-one-still-verifies 0 "$BIN/quietus-verify" cases/final/certificate-1.json --trust processor.pem
expect delta-finds-nothing-new 0 "$Q" plan --delta final
expect trail-verifies 0 "$BIN/quietus-audit" verify trail

# ---- close (I11)
[ -e cases/final/ledger.db ] && ok ledger-is-there-before-close || not_ok ledger-is-there-before-close
expect close-succeeds 0 "$Q" close final
[ -z "$(find cases/final -name 'ledger*')" ] && ok ledger-is-gone-after-close || not_ok ledger-is-gone-after-close
is status-says-closed "$(state final)" closed
is closed-case-keeps-its-kind "$(certificate final)" final
expect close-again-is-harmless 0 "$Q" close final
expect closed-case-is-not-destroyed 5 "$Q" destroy final
expect closed-case-is-not-certified 5 "$Q" certify final
expect closed-case-is-not-planned 5 "$Q" plan final.cfg
expect certificate-verifies-after-close 0 "$BIN/quietus-verify" cases/final/certificate.json --trust processor.pem
expect closing-is-signed 0 openssl cms -verify -binary -inform DER -content cases/final/closing.json \
	-in cases/final/closing.json.p7s -CAfile processor.pem -purpose any -out /dev/null
finish
