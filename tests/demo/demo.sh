#!/bin/sh
# demo.sh: a whole closeout, from the plan to the certificate and its check, on
# a small estate (estate.sh) in a new folder, which stays for exploring.  Every
# command line is shown with what it printed.  Exit 0 only when every step
# ended as it should.  Programs are taken from $BIN, else from $BUILD/bin.
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
cd "$D" || exit 1
case=cases/acme-2024-01

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
	sed 's/^/    /' "$D/.out"
	rm -f "$D/.out"
	[ "$got" = "$want" ] || die "exit code $got instead of $want: $*"
	printf '    [exit code %s]\n\n' "$got"
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
	grep -rlF "$1" attachments | wc -l
}
# everything that a client has in the database, row by row
rows_of() {
	for t in account employee visitor conversation message satisfaction; do
		sqlite3 -readonly app.db "SELECT '$t', * FROM $t WHERE client_id = $1"
	done
	sqlite3 -readonly app.db "SELECT * FROM client WHERE id = $1" \
		"SELECT * FROM access_log WHERE client_ref = $1" \
		"SELECT * FROM invoice WHERE account_id = $1 * 10000"
}
found_by_search() {
	sqlite3 -readonly app.db "SELECT count(*) FROM message_search
		WHERE message_search MATCH '$1*'"
}
count() {
	printf '    %-44s %7s %7s\n' "$@"
}

title "The estate: $D"
sh "$here/estate.sh" "$D" || die "the estate could not be made"
say "A vendor's application database (SQLite, write-ahead log, full-text search) and a folder of attachments. Client 7, Acme, leaves; 77, Bolt, stays. A French law obliges the vendor to keep the invoices for ten years."
echo
client_raw=$(raw acmeorder)
client_search=$(found_by_search acmeorder)
client_files=$(in_files acmeorder)
client_invoices=$(sqlite3 -readonly app.db \
	'SELECT * FROM invoice WHERE account_id = 70000' | sha256sum)
neighbour_rows=$(rows_of 77 | grep -c boltorder)
neighbour_sum=$(rows_of 77 | sha256sum)
neighbour_files=$(in_files boltorder)
neighbour_files_sum=$(find attachments/77 -type f | sort | xargs -d '\n' sha256sum | sha256sum)
count "Words that only one client uses, counted" before ""
count "acmeorder in the raw bytes of the database" "$client_raw" ""
count "acmeorder by full-text search" "$client_search" ""
count "acmeorder in files of the attachments" "$client_files" ""
count "boltorder in rows of client 77" "$neighbour_rows" ""
count "boltorder in files of the attachments" "$neighbour_files" ""
for n in "$client_raw" "$client_search" "$client_files" "$neighbour_rows" \
	"$neighbour_files"; do
	[ "$n" -gt 0 ] || die "a marker is missing from the estate"
done

title "1. Plan: look everywhere, change nothing"
try 0 quietus plan acme.cfg
say "Nobody has approved it, so nothing can be destroyed:"
echo
try 5 quietus destroy acme-2024-01

title "2. Approve: two people sign exactly this plan"
try 0 quietus approve acme-2024-01 --certificate alice.pem --key alice.key
try 0 quietus approve acme-2024-01 --certificate bob.pem --key bob.key

title "3. Destroy what the plan names, and ask the stores again"
try 0 quietus destroy acme-2024-01

title "4. Certify what was found"
try 0 quietus certify acme-2024-01

title "5. What the client does with it, on its own machine"
say "The vendor hands over certificate.json and its companions. The client trusts the vendor's certificate, which it got by another way:"
echo
try 0 quietus-verify --trust processor.pem $case/certificate.json
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
		--item /2023/scans/card.png $case/certificate.json >"$D/verified.txt"
	rc=$?
	sed -n '1,/^About/p' "$D/verified.txt" | sed '/^About/d'
	grep -A 2 -E 'inventory lead|card.png' "$D/verified.txt"
	return $rc
}
printf '%s$ quietus-verify --trust processor.pem --inventory inventory.txt --item /2023/scans/card.png %s/certificate.json%s\n' \
	"$bold" "$case" "$plain"
show_found >"$D/.out" || die "the inventory does not lead to the certificate"
sed 's/^/    /' "$D/.out"
rm -f "$D/.out"
printf '    [exit code 0; the whole answer: verified.txt]\n\n'
equal kind "$(jq -r .kind $case/certificate.json)" final
equal reservations "$(jq '.reservations | length' $case/certificate.json)" 1

title "6. The audit trail, for the record keeper"
try 0 quietus-audit verify trail
try 0 quietus-audit list trail

title "7. Do not take its word: count again"
count "The same words, counted" before after
left=$(raw acmeorder)
count "acmeorder in the raw bytes of the database" "$client_raw" "$left"
equal "the client's word in the database" "$left" 0
left=$(found_by_search acmeorder)
count "acmeorder by full-text search" "$client_search" "$left"
equal "the client's word by full-text search" "$left" 0
left=$(in_files acmeorder)
count "acmeorder in files of the attachments" "$client_files" "$left"
equal "the client's word in files" "$left" 0
[ ! -e attachments/7 ] || die "attachments/7 is still there"
there=$(rows_of 77 | grep -c boltorder)
count "boltorder in rows of client 77" "$neighbour_rows" "$there"
equal "rows of client 77" "$there" "$neighbour_rows"
equal "digest of all rows of client 77" "$(rows_of 77 | sha256sum)" \
	"$neighbour_sum"
there=$(in_files boltorder)
count "boltorder in files of the attachments" "$neighbour_files" "$there"
equal "digest of all files of client 77" \
	"$(find attachments/77 -type f | sort | xargs -d '\n' sha256sum | sha256sum)" \
	"$neighbour_files_sum"
equal "the invoices kept by law" "$(sqlite3 -readonly app.db \
	'SELECT * FROM invoice WHERE account_id = 70000' | sha256sum)" \
	"$client_invoices"
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
cmp -l $case/certificate.json tampered/certificate.json | sed 's/^/    /'
echo
try 2 quietus-verify --trust processor.pem tampered/certificate.json

title "Everything ended as it should"
cat <<END
The folder stays.  Explore it:

    cd $D
    PATH=$BIN:\$PATH
    jq . $case/certificate.json
    jq . $case/plan.json                  # what was approved
    cut -c 66- inventory.txt                     # every item, its verdict
    sqlite3 -readonly app.db .dump               # without client 7
    quietus status acme-2024-01                  # what is next
    quietus close acme-2024-01                   # destroys working files

    openssl cms -verify -binary -inform DER -content $case/certificate.json \\
        -in $case/certificate.json.p7s -CAfile processor.pem -purpose any -out /dev/null

Evidence:  $case/certificate.json with .p7s and .tlog-proof, plan.json,
           approvals/, inventory/ (for the client), and trail/
When done: rm -r $D
END
