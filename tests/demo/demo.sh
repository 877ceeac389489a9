#!/bin/sh
# demo.sh: a whole closeout, from the plan to the certificate and its check, on
# a small estate (estate.sh) in a new folder, which stays for exploring.  Every
# command line is shown with what it printed.  Exit 0 only when every step
# ended as it should.  Programs are taken from $BIN, else from $BUILD/bin.
# KEEP=0 removes the folder at the end.
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
root=$(cd "$here/../.." && pwd) || exit 1
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$root/$BUILD ;; esac
BIN=${BIN:-$BUILD/bin}
case $BIN in /*) ;; *) BIN=$(cd "$BIN" && pwd) || exit 1 ;; esac
for program in quietus quietus-verify quietus-audit; do
	[ -x "$BIN/$program" ] || {
		echo "demo: $BIN/$program is missing: run make first" >&2
		exit 1
	}
done
PATH=$BIN:$PATH
export PATH
umask 077
D=$(mktemp -d "${TMPDIR:-/tmp}/quietus-demo-XXXXXX") || exit 1
[ "${KEEP:-}" != 0 ] || trap 'cd / && rm -rf "$D"' EXIT
cd "$D" || exit 1
case=cases/acme-2026-01

bold= plain=
if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); fi
title() { printf '\n%s== %s%s\n\n' "$bold" "$*" "$plain"; }
say() { printf '%s\n' "$@" | fold -s -w 78 | sed 's/ *$//'; }
die() {
	echo
	echo "demo: $*" >&2
	echo "demo: the folder stays for a look: $D" >&2
	exit 1
}
# try CODE COMMAND...: shows and runs it; it must end with that code
try() {
	want=$1
	shift
	printf '%s$ %s%s\n' "$bold" "$*" "$plain"
	got=0
	"$@" >"$D/.out" 2>&1 </dev/null || got=$?
	cat "$D/.out"
	rm -f "$D/.out"
	[ "$got" = "$want" ] || die "exit code $got instead of $want: $*"
	printf '[exit code %s]\n\n' "$got"
}
# equal WHAT GOT WANTED
equal() {
	[ "$2" = "$3" ] || die "$1: $2 instead of $3"
}

# How often a word stands in the raw bytes of the database and its log: what
# somebody finds who gets hold of the files, whatever SQL says.
raw() {
	cat app.db app.db-wal 2>/dev/null | grep -aoiF "$1" | wc -l
}
# how many rows have it, and files
in_files() {
	grep -rlF "$1" files | wc -l
}
# everything that a client has in the database, row by row
rows_of() {
	sqlite3 -readonly app.db "
		SELECT * FROM client WHERE id = $1;
		SELECT * FROM account WHERE client_id = $1;
		SELECT * FROM employee WHERE client_id = $1;
		SELECT l.* FROM login l JOIN employee e ON e.id = employee_id
			WHERE client_id = $1;
		SELECT * FROM visitor WHERE client_id = $1;
		SELECT c.* FROM conversation c JOIN visitor v ON v.id = visitor_id
			WHERE client_id = $1;
		SELECT m.* FROM message m
			JOIN conversation c ON c.id = conversation_id
			JOIN visitor v ON v.id = visitor_id WHERE client_id = $1;
		SELECT s.* FROM satisfaction s
			JOIN conversation c ON c.id = conversation_id
			JOIN visitor v ON v.id = visitor_id WHERE client_id = $1;
		SELECT * FROM invoice WHERE client_id = $1;
		SELECT * FROM access_log WHERE client_ref = '$1';"
}
invoices_of() {
	sqlite3 -readonly app.db "SELECT * FROM invoice WHERE client_id = $1"
}
found_by_search() {
	sqlite3 -readonly app.db "SELECT count(*) FROM message_search
		WHERE message_search MATCH '\"$1 visitors\"'"
}
files_sum() {
	find "files/$1" -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum
}
count() {
	printf '  %-48s %7s %7s\n' "$@"
}

title "The estate: $D"
sh "$here/estate.sh" "$D" || die "the estate could not be made"
say "A vendor's application database (SQLite, write-ahead log, full-text search) and a folder of attachments. Client 7, Acme, leaves; its neighbours stay, one of them with the number 77. A French law obliges the vendor to keep the invoices for ten years."
echo
client_raw=$(raw acme-visitors)
client_search=$(found_by_search acme)
client_files=$(in_files acme-visitors)
client_invoices=$(invoices_of 7 | sha256sum)
neighbour_rows=$(rows_of 77 | grep -c hostile-visitors)
neighbour_sum=$(rows_of 77 | sha256sum)
neighbour_files=$(in_files hostile-visitors)
neighbour_files_sum=$(files_sum 77)
count "Words that only one client uses, counted" before ""
count "acme-visitors in the raw bytes of the database" "$client_raw" ""
count "acme-visitors by full-text search" "$client_search" ""
count "acme-visitors in attachments" "$client_files" ""
count "hostile-visitors in rows of client 77" "$neighbour_rows" ""
count "hostile-visitors in attachments" "$neighbour_files" ""
for n in "$client_raw" "$client_search" "$client_files" "$neighbour_rows" \
	"$neighbour_files"; do
	[ "$n" -gt 0 ] || die "a marker is missing from the estate"
done

title "1. Plan: look everywhere, change nothing"
try 0 quietus plan acme.cfg
say "Nobody has approved it, so nothing can be destroyed:"
echo
try 5 quietus destroy acme-2026-01

title "2. Approve: two people sign exactly this plan"
try 0 quietus approve acme-2026-01 --certificate alice.pem --key alice.key
try 0 quietus approve acme-2026-01 --certificate bob.pem --key bob.key

title "3. Destroy what the plan names, and ask the stores again"
try 0 quietus destroy acme-2026-01

title "4. Certify what was found"
try 0 quietus certify acme-2026-01

title "5. What the client does with it, on its own machine"
say "The vendor hands over certificate.json and its companions. The client trusts the vendor's certificate, which it got by another way:"
echo
try 0 quietus-verify --trust processor.pem $case/certificate.json
say "OpenSSL alone accepts the signature, too:"
echo
try 0 openssl cms -verify -binary -inform DER -content $case/certificate.json \
	-in $case/certificate.json.p7s -CAfile processor.pem -purpose any \
	-out /dev/null
say "The inventory is encrypted to the client. It opens it with stock OpenSSL, recomputes everything from it, and asks about one file by name:"
echo
for part in "$case"/inventory/*.cms; do
	printf '%s$ openssl cms -decrypt -binary -inform DER -in %s -inkey controller.key >>inventory.txt%s\n' \
		"$bold" "$part" "$plain"
	openssl cms -decrypt -binary -inform DER -in "$part" \
		-inkey controller.key >>inventory.txt || die "$part does not open"
done
echo
show_found() {
	quietus-verify --trust processor.pem --inventory inventory.txt \
		--item /avatars/agent1.png $case/certificate.json >"$D/verified.txt"
	rc=$?
	sed -n '1,/^About/p' "$D/verified.txt" | sed '/^About/d'
	grep -A 2 -E 'inventory lead|agent1.png' "$D/verified.txt"
	return $rc
}
printf '%s$ quietus-verify --trust processor.pem --inventory inventory.txt --item /avatars/agent1.png %s/certificate.json%s\n' \
	"$bold" "$case" "$plain"
show_found >"$D/.out" || die "the inventory does not lead to the certificate"
cat "$D/.out"
rm -f "$D/.out"
printf '[exit code 0; the whole answer: verified.txt]\n\n'
equal kind "$(jq -r .kind $case/certificate.json)" final
equal retained "$(jq '[.reservations[] | select(.verdict == "retained")] | length' \
	$case/certificate.json)" 1

title "6. The audit trail, for the record keeper"
try 0 quietus-audit verify trail
try 0 quietus-audit list trail

title "7. Do not take its word: count again"
count "The same words, counted" before after
left=$(raw acme-visitors)
count "acme-visitors in the raw bytes of the database" "$client_raw" "$left"
equal "the client's word in the database" "$left" 0
left=$(found_by_search acme)
count "acme-visitors by full-text search" "$client_search" "$left"
equal "the client's word by full-text search" "$left" 0
left=$(in_files acme-visitors)
count "acme-visitors in attachments" "$client_files" "$left"
equal "the client's word in attachments" "$left" 0
[ ! -e files/7 ] || die "files/7 is still there"
there=$(rows_of 77 | grep -c hostile-visitors)
count "hostile-visitors in rows of client 77" "$neighbour_rows" "$there"
equal "rows of client 77" "$there" "$neighbour_rows"
equal "digest of all rows of client 77" "$(rows_of 77 | sha256sum)" \
	"$neighbour_sum"
there=$(in_files hostile-visitors)
count "hostile-visitors in attachments" "$neighbour_files" "$there"
equal "digest of all files of client 77" "$(files_sum 77)" \
	"$neighbour_files_sum"
equal "the invoices kept by law" "$(invoices_of 7 | sha256sum)" "$client_invoices"
echo
say "Every row and file of client 77 is the same, byte for byte, and so are the retained invoices."

title "8. Change one byte of a copy of the certificate"
cp -R $case tampered || die "copying the case"
rm -rf tampered/ledger.db* tampered/lock
# the second digit of the year of issue: still a valid document
at=$(grep -abo '"issued": *"2' tampered/certificate.json | tail -n 1)
[ -n "$at" ] || die "the certificate has no time of issue"
match=${at#*:}
offset=$((${at%%:*} + ${#match}))
printf 1 | dd of=tampered/certificate.json bs=1 seek="$offset" conv=notrunc \
	2>/dev/null
equal "bytes changed" "$(cmp -l $case/certificate.json \
	tampered/certificate.json | wc -l)" 1
say "One digit of the time of issue was changed:"
echo
printf '%s$ cmp -l %s/certificate.json tampered/certificate.json%s\n' \
	"$bold" $case "$plain"
cmp -l $case/certificate.json tampered/certificate.json
echo
try 2 quietus-verify --trust processor.pem tampered/certificate.json

title "Everything ended as it should"
cat <<END
The folder is left for you: $D
Explore it:

    cd $D
    PATH=$BIN:\$PATH
    jq . $case/certificate.json
    jq . $case/plan.json                  # what was approved
    cut -c 66- inventory.txt                     # every item, its verdict
    sqlite3 -readonly app.db .dump               # without client 7
    quietus status acme-2026-01                  # what is next
    quietus close acme-2026-01                   # destroys working files

Evidence:  $case/certificate.json with .p7s and .tlog-proof, plan.json,
           approvals/, inventory/ (for the client), and trail/
When done: rm -r $D
END
