#!/bin/sh
# quietus-verify as people run it, and the stock commands of
# docs/formats/certificate.md and signature.md on the same files.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT INT TERM
verify=$BIN/quietus-verify
failed=0

ok() { echo "ok verify: $1"; }
not_ok() { echo "not ok verify: $1"; failed=1; }
# claim NAME STATUS COMMAND...: the command ends with that status
claim() {
	name=$1 want=$2
	shift 2
	"$@" >"$dir/out" 2>"$dir/err"
	got=$?
	if [ "$got" = "$want" ]; then
		ok "$name"
	else
		not_ok "$name"
		echo "#   exit $got instead of $want"
		sed 's/^/#   /' "$dir/err" | head -5
	fi
}
says() {
	if grep -q -e "$2" "$dir/out"; then ok "$1"; else not_ok "$1"; fi
}

if ! "${UNIT:-$BIN/../unit}/tamper" --write "$dir/case"; then
	echo "not ok verify: a set to check could not be made"
	exit 1
fi
set_dir=$dir/case/set
cert=$set_dir/certificate.json
trust=$dir/case/processor.pem

# stock tools
stock() {
	openssl cms -verify -binary -inform DER -content "$1" -in "$2" \
		-CAfile "$3" -purpose any -out /dev/null
}
claim stock_openssl_accepts_the_certificate 0 \
	stock "$cert" "$cert.p7s" "$trust"
claim stock_openssl_accepts_the_approvals 0 \
	stock "$set_dir/plan.json" "$set_dir/approvals/alice.p7s" \
	"$dir/case/alice.pem"
claim stock_openssl_wants_the_right_anchor 4 \
	stock "$cert" "$cert.p7s" "$dir/case/stranger.pem"
sum=$(sha256sum "$set_dir/plan.json" | cut -d' ' -f1)
claim sha256sum_finds_the_plan_in_the_certificate 0 \
	grep -q "\"sha256\": \"$sum\"" "$cert"
print=$(openssl x509 -in "$trust" -noout -fingerprint -sha256 |
	cut -d= -f2 | tr -d : | tr A-F a-f)
claim x509_fingerprint_is_the_signer_in_the_certificate 0 \
	grep -q "\"signer\": \"$print\"" "$cert"

# results and exit codes
claim whole_set_is_valid 0 "$verify" --trust "$trust" "$cert"
head -1 "$dir/out" >"$dir/first"
cp "$dir/first" "$dir/out"
says result_stands_in_the_first_line '^VALID: final certificate .* 3 reserv'
claim whole_set_is_valid_again 0 "$verify" --trust "$trust" "$cert"
says own_trail_is_the_vendors_word "audit trail: its key is the processor's own"
says own_trail_proves_order_only 'of its entries, not that they are'
claim reservations_fail_with_strict 1 \
	"$verify" --strict --trust "$trust" "$cert"
claim no_anchor_cannot_be_checked 3 "$verify" "$cert"
says no_anchor_names_the_option '--trust'
claim wrong_anchor_is_not_valid 2 \
	"$verify" --trust "$dir/case/stranger.pem" "$cert"
claim missing_certificate_cannot_be_checked 3 \
	"$verify" --trust "$trust" "$dir/nothing.json"
claim no_certificate_is_usage 64 "$verify"
claim unknown_option_is_usage 64 "$verify" --nonsense "$cert"
claim two_certificates_are_usage 64 "$verify" "$cert" "$cert"
claim item_needs_inventory 64 "$verify" --item x "$cert"
claim help_is_help 0 "$verify" --help
claim version_is_said 0 "$verify" --version

# the inventory, also from a pipe
from_pipe() { "$verify" --trust "$trust" --inventory - --item "$1" "$cert" \
	<"$set_dir/inventory"; }
claim inventory_is_read_from_a_pipe 0 from_pipe clients/7/a.jpg
says item_is_covered '\[ok\]  *[12] item(s) called'
claim another_name_is_looked_for 0 from_pipe clients/77/a.jpg
says item_is_not_covered 'No item called "clients/77/a.jpg"'
claim row_inside_a_range_is_looked_for 0 from_pipe 'message 17'
says row_inside_a_range_cannot_be_told '"0000"'
claim number_of_a_row_is_a_number 0 from_pipe 'message 0'
says number_of_a_row_is_found '\[ok\]  *1 item(s) called "message 0"'
claim no_inventory_is_not_enough 2 \
	"$verify" --trust "$trust" --inventory /dev/null "$cert"

# for programs
claim json_has_the_same_exit 0 "$verify" --json --trust "$trust" "$cert"
says json_says_the_result '"result": "valid-final"'
says json_says_the_kind '"kind": "final"'
says json_has_reservations '"verdict": "retained"'
if command -v python3 >/dev/null; then
	cp "$dir/out" "$dir/json"
	claim json_is_one_document 0 python3 -m json.tool "$dir/json"
fi

# nothing from a file reaches the terminal raw
esc=$(printf '\033[2J')
claim odd_name_is_no_crash 3 "$verify" "$dir/$esc.json"
if grep -q "$(printf '\033')" "$dir/out" "$dir/err"; then
	not_ok escape_sequences_are_not_printed
else
	says escape_sequences_are_shown 'U+001B'
fi

# one byte
sed 's/Acme SAS/Acne SAS/' "$cert" >"$dir/changed" &&
	cp "$dir/changed" "$cert"
claim one_letter_is_not_valid 2 "$verify" --trust "$trust" "$cert"
head -1 "$dir/out" >"$dir/first"
cp "$dir/first" "$dir/out"
says refusal_stands_in_the_first_line '^NOT VALID'
claim stock_openssl_refuses_it_too 4 stock "$cert" "$cert.p7s" "$trust"

# the verifier holds no store's library
if ldd "$verify" | grep -qE 'libcrypto'; then
	if ldd "$verify" |
		grep -qE 'curl|sqlite|libpq|maria|mysql|expat|ssh'; then
		not_ok verifier_links_no_store_library
	else
		ok verifier_links_no_store_library
	fi
else
	not_ok verifier_links_libcrypto
fi
exit $failed
