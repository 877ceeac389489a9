#!/bin/sh
# Ways in which a certificate could say more than is true, and dead ends of a
# case; each was found by an attack on the program (I1, I3, I5, I6, I8, I10).
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../estate.sh"
people
Q=$BIN/quietus
cd "$T" || exit 1
kind() { "$Q" status "$1" --json 2>/dev/null | jq -r .certificate; }
not_final() { # NAME CASE
	[ "$(kind "$2")" != final ] && ok "$1" || not_ok "$1" "the case says final"
}
begin() { # CASE SOURCES [MORE]: planned and approved
	closeout "$1" "$2" "$3"
	"$Q" plan "$1.cfg" >/dev/null 2>&1 && approve "$1"
}
database() {
	rm -f app.db*
	sqlite3 app.db <<END
CREATE TABLE client(id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE message(id INTEGER PRIMARY KEY, client_id INT REFERENCES client(id), body TEXT);
CREATE TABLE dispute(id INTEGER PRIMARY KEY, open INT);
INSERT INTO client VALUES(7,'seven'),(77,'neighbour');
INSERT INTO message VALUES(1,77,'x'),(2,7,'a'),(3,7,'b');
INSERT INTO dispute VALUES(1,0);
END
}
DB='{ name = "app"; provider = "sqlite"; path = "app.db"; root = { table = "client"; column = "id"; }; }'

# ---- an approved delta that was never carried out
files
begin pending "$FILES"
"$Q" destroy pending >/dev/null
"$Q" certify pending >/dev/null
is pending-begins-final "$(kind pending)" final
mkdir files/7 && echo again >files/7/new.txt
"$Q" plan --delta pending >/dev/null && approve pending
expect close-with-a-pending-delta-is-refused 5 "$Q" close pending
expect run-with-a-pending-delta-waits 5 "$Q" run pending
"$Q" certify pending >/dev/null 2>&1
not_final pending-delta-is-not-final pending
[ -e files/7/new.txt ] && ok pending-data-is-there || not_ok pending-data-is-there
expect pending-delta-is-carried-out 0 "$Q" destroy pending
expect pending-certifies 0 "$Q" certify pending
is pending-is-final-in-the-end "$(kind pending)" final

# ---- a second look that fails does not forget what the first one found
store store.json 4
begin forget "$(fake '"grow", "break-page:1@4"')"
"$Q" destroy forget >/dev/null 2>&1
is forget-first-run-found-something $? 4
"$Q" destroy forget >/dev/null 2>&1
"$Q" certify forget >/dev/null 2>&1
is forget-item-is-there "$(in_store 7)" 1
not_final failed-second-look-is-not-final forget

# ---- a plan file that is taken away takes nothing with it
rm -rf files
files
begin taken "$FILES"
"$Q" destroy taken >/dev/null
mkdir files/7 && echo again >files/7/new.txt
"$Q" plan --delta taken >/dev/null && approve taken
cp cases/taken/plan-2.json plan-2.keep
rm cases/taken/plan-2.json
"$Q" certify taken >/dev/null 2>&1
not_final taken-plan-is-not-final taken
cmp -s plan-2.keep cases/taken/plan-2.json && ok taken-plan-is-written-again || not_ok taken-plan-is-written-again
expect taken-plan-is-carried-out 0 "$Q" destroy taken
expect taken-plan-certifies 0 "$Q" certify taken
is taken-plan-is-final-in-the-end "$(kind taken)" final

# ---- a table made after the approval
database
begin table "$DB"
sqlite3 app.db "CREATE TABLE log(id INTEGER PRIMARY KEY, client_id INT, line TEXT); INSERT INTO log VALUES(1,7,'seven was here')"
expect new-table-stops-destroy 5 "$Q" destroy table
is new-table-nothing-destroyed "$(sqlite3 app.db 'SELECT count(*) FROM message WHERE client_id=7')" 2
sqlite3 app.db "DROP TABLE log"
expect without-the-table-destroys 0 "$Q" destroy table

# ---- a document fixed before things came back is not the last word
store store.json 4
begin stale "$(fake '')"
"$Q" destroy stale >/dev/null
mv processor.key p.keep
openssl ecparam -genkey -name prime256v1 -noout -out processor.key 2>/dev/null
expect certify-with-the-wrong-key-fails 2 "$Q" certify stale
mv p.keep processor.key
jq '.items += [{key: "clients/7/back", version: "v", class: "current", content: "x"}]' store.json >new && mv new store.json
"$Q" destroy stale >/dev/null 2>&1
expect stale-document-is-not-the-last 4 "$Q" certify stale
not_final stale-document-is-not-final stale

# ---- the old state of a changed file was not destroyed by us
rm -rf files
files
begin changed "$FILES"
echo edited >>files/7/contract.txt
"$Q" plan --delta changed >/dev/null && approve changed
"$Q" destroy changed >/dev/null
"$Q" certify changed >/dev/null
is replaced-state-is-absent "$("$Q" status changed --json | jq '[.sources[].classes[] | select(.verdict == "absent") | .items] | add')" 1
is only-what-was-there-is-destroyed "$("$Q" status changed --json | jq '[.sources[].classes[] | select(.verdict == "destroyed-verified") | .items] | add')" 5
is items-were-asked-about-singly "$(jq '.sources[0].verification.asked' cases/changed/certificate.json)" 5

# ---- a neighbour's loss is not forgotten
store store.json 4
cp store.json store.keep
begin loss "$(fake '"harm-neighbour"')"
"$Q" destroy loss >/dev/null 2>loss.err
says loss-says-what-to-do "data protection officer" loss.err
jq --slurpfile o store.keep '.items |= (. + [$o[0].items[] | select(.key | startswith("clients/7/") | not)] | unique_by(.key))' store.json >new && mv new store.json
"$Q" destroy loss >/dev/null 2>&1
"$Q" certify loss >/dev/null 2>&1
is loss-stays-in-the-record "$(jq -r '.sources[0].bystanders.outcome' cases/loss/exception-report.json)" lost

# ---- bystanders that nobody asked about are not "unchanged"
rm -rf files
files
store store.json 4
begin unasked "$FILES, $(fake '"unreachable"')"
"$Q" destroy unasked >/dev/null 2>&1
"$Q" certify unasked >/dev/null 2>&1
is unasked-bystanders-are-not-measured "$(jq -r '[.sources[].bystanders.outcome] | unique | join(" ")' cases/unasked/exception-report.json)" "not measured"

# ---- what is to be retained changes after the plan (I3)
database
begin retain "$DB" 'retention = ( { name = "held"; source = "app"; table = "message"; where = "client_id = :client AND EXISTS (SELECT 1 FROM dispute WHERE open = 1)"; parents = "retain"; ground = "law"; until = "2036-12-31"; } );'
sqlite3 app.db "UPDATE dispute SET open = 1"
expect changed-retention-is-drift 5 "$Q" destroy retain
is rows-to-be-retained-are-there "$(sqlite3 app.db 'SELECT count(*) FROM message WHERE client_id=7')" 2

# ---- retained data that is gone after the destruction (I3)
rm -rf files
files
mkdir files/7/invoices && echo "invoice 1" >files/7/invoices/1.pdf
begin kept "$FILES" 'retention = ( { name = "invoices"; source = "files"; path = "invoices"; ground = "law"; until = "2036-12-31"; } );'
"$Q" destroy kept >/dev/null
rm files/7/invoices/1.pdf
"$Q" destroy kept >/dev/null 2>kept.err
says retained-and-gone-is-said "to be retained" kept.err
"$Q" certify kept >/dev/null 2>&1
not_final retained-and-gone-is-not-final kept

# ---- a row of a delta under a row of the plan: the case can be finished
database
begin child "$DB"
sqlite3 app.db "INSERT INTO message VALUES(900,7,'late')"
expect late-row-stops-destroy 5 "$Q" destroy child
"$Q" plan --delta child >/dev/null && approve child
expect late-row-is-destroyed-first 0 "$Q" destroy child
expect late-row-certifies 0 "$Q" certify child
is late-row-is-final "$(kind child)" final
database
sqlite3 app.db "DELETE FROM message WHERE client_id = 7"
begin child-of-none "$DB"
sqlite3 app.db "INSERT INTO message VALUES(900,7,'late')"
"$Q" plan --delta child-of-none >/dev/null && approve child-of-none
expect first-row-of-a-table-is-destroyed-first 0 "$Q" destroy child-of-none

# ---- drifted, then as planned again
store store.json 4
cp store.json store.keep
begin again "$(fake '"drift:clients/7/0002"')"
"$Q" destroy again >/dev/null 2>&1
is drifted-item-stops $? 5
jq '(.items[] | select(.key == "clients/7/0002") | .content) = "item 2 of seven"' store.json >new && mv new store.json
expect as-planned-again-is-destroyed 0 "$Q" destroy again
is as-planned-again-leaves-nothing "$(in_store 7)" 0

# ---- a delta with a blocker is replaced once it is settled
database
begin blocked "$DB"
"$Q" destroy blocked >/dev/null
sqlite3 app.db "CREATE TABLE log(id INTEGER PRIMARY KEY, client_id INT); INSERT INTO log VALUES(1,7)"
sqlite3 app.db "INSERT INTO client VALUES(7,'seven')"
expect delta-with-a-blocker-is-written 0 "$Q" plan --delta blocked
expect delta-with-a-blocker-is-not-approved 5 "$Q" approve blocked --certificate alice.pem --key alice.key
sqlite3 app.db "DROP TABLE log"
expect delta-is-replaced 0 "$Q" plan --delta blocked
approve blocked
expect replaced-delta-is-carried-out 0 "$Q" destroy blocked
expect replaced-delta-certifies 0 "$Q" certify blocked
is replaced-delta-is-final "$(kind blocked)" final

# ---- a lost ledger does not make way for a fresh plan
rm -rf files
files
begin lost "$FILES"
"$Q" destroy lost >/dev/null
rm cases/lost/ledger.db
expect lost-ledger-refuses-a-fresh-plan 5 "$Q" plan lost.cfg
[ -e cases/lost/plan.json ] && ok lost-ledger-keeps-the-plan || not_ok lost-ledger-keeps-the-plan

# ---- a full standard output after a destruction
rm -rf files
files
begin full "$FILES"
"$Q" destroy full >/dev/full 2>/dev/null
is full-output-says-3 $? 3
finish
