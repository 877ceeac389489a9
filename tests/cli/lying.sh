#!/bin/sh
# A store that lies, refuses or forgets never yields a final certificate; once
# it behaves, the same case gets one (I5).
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../estate.sh"
people
Q=$BIN/quietus
cd "$T" || exit 1

# attempt NAME FAULTS: plans with an honest store, destroys with a lying one.
# The closeout is bound by digest, so the faults stand in it from the start
# where they only strike at destruction.
attempt() {
	store store.json "${ITEMS:-6}"
	closeout "$1" "$(fake "$2")"
	"$Q" plan "$1.cfg" >"$1.out" 2>&1 && approve "$1"
	"$Q" destroy "$1" >>"$1.out" 2>&1
	destroy_code=$?
	"$Q" certify "$1" >>"$1.out" 2>&1
	certify_code=$?
}
kind() { "$Q" status "$1" --json 2>/dev/null | jq -r .certificate; }
# never NAME FAULTS: whatever happens, no final certificate
never() {
	attempt "$1" "$2"
	if [ "$(kind "$1")" = final ] || [ "$destroy_code" = 0 ]; then
		not_ok "$1-is-never-final"
	else
		ok "$1-is-never-final"
	fi
	[ "$(kind "$1")" = exception-report ] && is "$1-certify-says-4" "$certify_code" 4
}

attempt honest ''
is honest-store-is-final "$(kind honest)" final
never refused '"refuse:clients/7/0002"'
never lie '"lie"'
is lie-items-are-present "$("$Q" status lie --json | jq '[.sources[].classes[] | select(.verdict == "present") | .items] | add')" 7
never mute '"mute"'
never lie-and-lose-page '"lie", "lose-page"'
never resurrect '"resurrect"'
never resurrect-late '"resurrect-late"'
never grow '"grow"'
never unreachable '"unreachable"'
never auth '"auth"'
never break-page '"break-page"'
never residue-stays '"residue", "residue-stays"'
never harm-neighbour '"harm-neighbour"'

# ---- passing faults: the second run finishes
for f in timeout:1 half-batch:1 lost-answer:1 unreachable:1; do
	n=$(echo "$f" | tr ':' '-')
	attempt "$n" "\"$f\""
	for again in 1 2; do
		"$Q" destroy "$n" >>"$n.out" 2>&1
	done
	"$Q" certify "$n" >>"$n.out" 2>&1
	is "$n-is-final-in-the-end" "$(kind "$n")" final
	is "$n-leaves-nothing" "$(in_store 7)" 0
	is "$n-spares-the-neighbour" "$(in_store 77)" 1
done

# ---- exception report: signed, verifies, never called final
attempt report '"refuse:clients/7/0002"'
expect exception-report-is-valid-not-final 1 "$BIN/quietus-verify" cases/report/exception-report.json --trust processor.pem
[ ! -e cases/report/certificate.json ] && ok no-certificate-beside-a-report || not_ok no-certificate-beside-a-report
is refused-item-is-there "$(in_store 7)" 1
expect close-after-a-report-is-refused 5 "$Q" close report

# ---- a blocker blocks
store store.json
closeout blocked "$(fake '"blocker:wall"')"
expect blocked-plan-is-written 0 "$Q" plan blocked.cfg
expect blocked-plan-is-not-approved 5 "$Q" approve blocked --certificate alice.pem --key alice.key
finish
