#!/bin/sh
# On the estate of the demonstration: the client's mark is in the raw bytes of
# database and files before and nowhere after; what is retained and what the
# neighbours have is the same to the byte (I3, I5, I9, I10).
. "$(dirname "$0")/../lib.sh"
sh "$lib_root/tests/demo/estate.sh" "$T/estate" 2 || exit 2
cd "$T/estate" || exit 2
Q=$BIN/quietus

raw() { cat app.db* | grep -aoi "$1-visitors" | wc -l; }
in_files() { grep -raoi "$1-visitors" files | wc -l; }
above_zero() { [ "$2" -gt 0 ] && ok "$1" || not_ok "$1" "$2"; }
# rows SQL...: what the others have, in an order of its own
rows() {
	for client in 3 12 77; do
		visitors="SELECT id FROM visitor WHERE client_id = $client"
		talks="SELECT id FROM conversation WHERE visitor_id IN ($visitors)"
		people="SELECT id FROM employee WHERE client_id = $client"
		for from in "client WHERE id = $client" "account WHERE client_id = $client" \
			"employee WHERE client_id = $client" "login WHERE employee_id IN ($people)" \
			"visitor WHERE client_id = $client" "conversation WHERE visitor_id IN ($visitors)" \
			"message WHERE conversation_id IN ($talks)" \
			"satisfaction WHERE conversation_id IN ($talks)" \
			"invoice WHERE client_id = $client" "access_log WHERE client_ref = '$client'"; do
			echo "SELECT * FROM $from ORDER BY 1, 2;"
		done
	done | sqlite3 app.db
}
kept() { sqlite3 app.db "SELECT * FROM invoice WHERE client_id = 7; SELECT * FROM account WHERE client_id = 7; SELECT * FROM client WHERE id = 7"; }
found() { sqlite3 app.db "SELECT count(*) FROM message_search WHERE message_search MATCH '\"$1\"'"; }
others() { find files -mindepth 1 ! -path 'files/7*' -o -path 'files/77*' | sort | xargs -I{} sh -c 'stat -c "%n %F %a %h %s" "{}"; [ ! -f "{}" ] || sha256sum <"{}"'; }

# ---- before
above_zero mark-is-in-the-database-before "$(raw acme)"
above_zero mark-is-in-the-files-before "$(in_files acme)"
above_zero mark-is-in-the-write-ahead-log-before "$(grep -ao acme-visitors app.db-wal | wc -l)"
above_zero neighbours-mark-is-in-the-database-before "$(raw hostile)"
cp -r . ../before
rows >../rows.before
kept >../kept.before
others >../others.before
above_zero neighbours-have-rows "$(wc -l <../rows.before)"
is invoices-are-there-before "$(grep -c '|A-0007' ../kept.before)" 26
above_zero mark-is-found-by-full-text-search-before "$(found 'acme visitors example')"

# ---- the closeout
expect plan 0 "$Q" plan acme.cfg
says plan-shows-what-is-retained '"retain"' cases/acme-2026-01/plan.json
for p in alice bob; do
	expect "approval-of-$p" 0 "$Q" approve acme-2026-01 --certificate $p.pem --key $p.key
done
expect destroy 0 "$Q" destroy acme-2026-01

# ---- after
is mark-is-nowhere-in-the-database-after "$(raw acme)" 0
is mark-is-nowhere-in-the-files-after "$(in_files acme)" 0
[ ! -e files/7 ] && ok folder-of-the-client-is-gone || not_ok folder-of-the-client-is-gone
above_zero neighbours-mark-is-in-the-database-after "$(raw hostile)"
rows >../rows.after
kept >../kept.after
others >../others.after
cmp -s ../rows.before ../rows.after && ok rows-of-the-neighbours-are-the-same || not_ok rows-of-the-neighbours-are-the-same "$(diff ../rows.before ../rows.after | head -5)"
cmp -s ../kept.before ../kept.after && ok retained-rows-are-the-same || not_ok retained-rows-are-the-same "$(diff ../kept.before ../kept.after | head -5)"
cmp -s ../others.before ../others.after && ok files-of-the-neighbours-are-the-same || not_ok files-of-the-neighbours-are-the-same "$(diff ../others.before ../others.after | head -5)"
is full-text-search-finds-nothing-after "$(found 'acme visitors example')" 0
above_zero full-text-search-finds-the-neighbours "$(found 'globex visitors example')"
is only-what-is-retained-is-left "$(sqlite3 app.db "SELECT (SELECT count(*) FROM visitor WHERE client_id = 7) + (SELECT count(*) FROM employee WHERE client_id = 7) + (SELECT count(*) FROM access_log WHERE client_ref = '7')")" 0
is no-row-is-orphaned "$(sqlite3 app.db 'PRAGMA foreign_key_check')" ""
is database-is-sound "$(sqlite3 app.db 'PRAGMA integrity_check')" ok
is what-was-excluded-is-untouched "$(sqlite3 app.db 'SELECT count(*) FROM usage_by_day WHERE client_id = 7')" \
	"$(sqlite3 ../before/app.db 'SELECT count(*) FROM usage_by_day WHERE client_id = 7')"

# ---- the certificate says what was kept, and only by kind
expect certify 0 "$Q" certify acme-2026-01
C=cases/acme-2026-01/certificate.json
is certificate-is-final "$(jq -r .kind $C)" final
is certificate-names-the-ground "$(jq -r '.retained[0].ground' $C)" "Code de commerce, art. L123-22 (10 years)"
expect certificate-verifies 0 "$BIN/quietus-verify" $C --trust processor.pem
expect reservations-do-not-pass-strict 1 "$BIN/quietus-verify" $C --trust processor.pem --strict
names='acme-visitors\|usage_by_day\|access_log\|message_search\|export.csv'
[ "$(grep -acie "$names" cases/acme-2026-01/ledger.db)" -gt 0 ] && ok names-are-in-the-ledger || not_ok names-are-in-the-ledger
is no-name-from-the-data-is-in-evidence "$(grep -rlie "$names" $C $C.p7s $C.tlog-proof cases/acme-2026-01/plan.json cases/acme-2026-01/approvals trail)" ""
finish
