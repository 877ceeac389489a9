#!/bin/sh
# A copy of each class that a store knows, planted where it survives: while it
# is there, no final certificate; without it, the final one.  Real stores plant
# what they can (objects in cli/s3.sh); here are the rehearsal store for every
# class, SQLite's log under a reader, and what no store on this machine has
# (replication, access logs, inventory reports), answered by a stand-in.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../estate.sh"
people
Q=$BIN/quietus
cd "$T" || exit 1
kind() { "$Q" status "$1" --json 2>/dev/null | jq -r .certificate; }
settle() { # CASE: destroys and certifies, whatever comes of it
	"$Q" destroy "$1" >"$1.out" 2>&1
	"$Q" certify "$1" >>"$1.out" 2>&1
}

# ---- every class as an item, planted after the destruction
store store.json
closeout every "$(fake '')"
"$Q" plan every.cfg >/dev/null && approve every
settle every
is every-class-begins-final "$(kind every)" final
for c in current noncurrent delete-marker unfinished-upload snapshot soft-deleted replica write-ahead-log \
	archived-log binary-log statistics full-text-index staging backup; do
	jq ".items += [{key: \"clients/7/planted\", version: \"p\", class: \"$c\", content: \"planted\"}]" store.json >new && mv new store.json
	is "planted-$c-is-there" "$(in_store 7)" 1
	settle every
	is "planted-$c-forbids-final" "$(kind every)" exception-report
	jq 'del(.items[] | select(.key == "clients/7/planted"))' store.json >new && mv new store.json
	is "planted-$c-is-removed" "$(in_store 7)" 0
	settle every
	is "without-$c-it-is-final" "$(kind every)" final
done

# ---- a class that is no item: found, unknown, scheduled, unreadable
told() { # PRESENCE AFTER
	jq ".classes = {\"statistics\": {presence: \"none\", after: \"$1\", why: \"as the test says\"$2}}" store.json >new && mv new store.json
}
for t in found:exception-report unknown:exception-report scheduled:interim; do
	told "${t%%:*}" ', until: "2036-12-31"'
	settle every
	is "class-${t%%:*}-is-${t##*:}" "$(kind every)" "${t##*:}"
done
told none ''
settle every
is class-none-is-final "$(kind every)" final

# ---- SQLite: the write-ahead log cannot be emptied while somebody reads
sqlite3 app.db >/dev/null <<END
PRAGMA journal_mode=WAL;
CREATE TABLE client(id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE message(id INTEGER PRIMARY KEY, client_id INT REFERENCES client(id), body TEXT);
INSERT INTO client VALUES(7,'seven'),(77,'neighbour');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<300)
INSERT INTO message SELECT i, CASE i%3 WHEN 0 THEN 77 ELSE 7 END, 'planted-marker '||i FROM n;
END
closeout log '{ name = "app"; provider = "sqlite"; path = "app.db"; root = { table = "client"; column = "id"; }; }'
"$Q" plan log.cfg >/dev/null
expect approver-sees-the-name-in-the-data 0 "$Q" approve log --certificate alice.pem --key alice.key
says approver-sees-the-root-row "found as: seven"
approve log
mkfifo hold go
(
	{ echo "BEGIN; SELECT count(*) FROM message;"; echo ".shell echo reading >go"; cat hold; echo "COMMIT;"; } |
		sqlite3 app.db >reader.out 2>&1
) &
reader=$!
read -r word <go
is a-reader-holds-the-log "$word" reading
expect destroy-says-who-must-stop 5 "$Q" destroy log
"$Q" certify log >/dev/null 2>&1
is log-under-a-reader-forbids-final "$(kind log)" exception-report
[ "$(grep -ac planted-marker app.db-wal)" -gt 0 ] && ok the-log-still-holds-the-marker || not_ok the-log-still-holds-the-marker
: >hold
wait "$reader"
expect destroy-finishes-without-the-reader 0 "$Q" destroy log
"$Q" certify log >/dev/null 2>&1
is log-without-reader-is-final "$(kind log)" final
is neighbours-rows-are-there "$(sqlite3 app.db 'SELECT count(*) FROM message')" 100

# ---- SQLite: free pages and words of a full-text index, planted after the
# purge and before the check, by a command run in the middle of `destroy`
indexed() {
	rm -rf app.db* cases/index
	sqlite3 app.db <<END
CREATE TABLE client(id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE message(id INTEGER PRIMARY KEY, client_id INT REFERENCES client(id), body TEXT);
CREATE VIRTUAL TABLE words USING fts5(body, content='message', content_rowid='id');
INSERT INTO client VALUES(7,'seven'),(77,'neighbour');
INSERT INTO message VALUES(1,7,'of seven'),(2,77,'of a neighbour');
INSERT INTO words(words) VALUES('rebuild');
END
	"$Q" plan index.cfg >/dev/null 2>&1 && approve index
}
class_of() { "$Q" status index --json | jq -r ".sources[0].classes[] | select(.class == \"$1\") | .verdict"; }
# plant CLASS SQL: tries the last points of the run until the plant survives
plant() {
	indexed
	KILL_COUNT=$T/count LD_PRELOAD=$T/killat.so "$Q" destroy index >/dev/null 2>&1
	last=$(cat count) at=$(cat count)
	while [ "$at" -gt 0 ] && [ "$at" -gt $((last - 60)) ]; do
		indexed
		PLANT_AT=$at PLANT="env -u LD_PRELOAD sqlite3 $T/app.db \"$2\"" \
			LD_PRELOAD=$T/killat.so "$Q" destroy index >index.out 2>&1
		[ "$(class_of "$1")" = present ] && break
		at=$((at - 1))
	done
	is "planted-$1-is-present" "$(class_of "$1")" present
	"$Q" certify index >/dev/null 2>&1
	is "planted-$1-in-sqlite-forbids-final" "$(kind index)" exception-report
	settle index
	is "purged-$1-is-final" "$(kind index)" final
}
case "$BIN" in
*asan*) echo "# not planted under AddressSanitizer: a preloaded library excludes it" ;;
*)
	cc -shared -fPIC -o killat.so "$lib_root/tests/faults/killat.c" -ldl
	closeout index '{ name = "app"; provider = "sqlite"; path = "app.db"; root = { table = "client"; column = "id"; }; }'
	plant staging "INSERT INTO message SELECT 1000+value, 77, hex(randomblob(2000)) FROM generate_series(1,50); DELETE FROM message WHERE id >= 1000"
	plant full-text-index "INSERT INTO words(rowid, body) VALUES(999, 'planted words')"
	;;
esac

# ---- S3: replication, access logs, inventory (no store here has them)
mkdir config
KEYS=20 VERSIONS=2 PREFIX=clients/7/ CONFIG=$T/config PORT=0 node "$lib_root/tests/bench/s3stub.js" >stub.out 2>stub.err &
stub=$!
i=0
while ! grep -q 127.0.0.1 stub.out && [ $i -lt 100 ]; do
	sleep 0.1
	i=$((i + 1))
done
port=$(sed 's/.*127.0.0.1:\([0-9]*\):.*/\1/' stub.out)
export AWS_ACCESS_KEY_ID=stand AWS_SECRET_ACCESS_KEY=in
closeout canned "{ name = \"media\"; provider = \"s3\"; bucket = \"canned\"; prefix = \"clients/{client}/\"; endpoint = \"http://127.0.0.1:$port\"; region = \"us-east-1\"; addressing = \"path\"; }"
expect canned-plan 0 "$Q" plan canned.cfg
approve canned
settle canned
is canned-begins-final "$(kind canned)" final
replication='<ReplicationConfiguration><Role>arn:aws:iam::1:role/r</Role><Rule><ID>r</ID><Status>Enabled</Status><Priority>1</Priority><Filter><Prefix></Prefix></Filter><DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication><Destination><Bucket>arn:aws:s3:::copy</Bucket></Destination></Rule></ReplicationConfiguration>'
logging='<BucketLoggingStatus><LoggingEnabled><TargetBucket>logs</TargetBucket><TargetPrefix>access/</TargetPrefix></LoggingEnabled></BucketLoggingStatus>'
inventory='<ListInventoryConfigurationsResult><InventoryConfiguration><Id>i</Id><IsEnabled>true</IsEnabled><Destination><S3BucketDestination><Bucket>arn:aws:s3:::reports</Bucket><Format>CSV</Format></S3BucketDestination></Destination><Schedule><Frequency>Daily</Frequency></Schedule><IncludedObjectVersions>All</IncludedObjectVersions></InventoryConfiguration><IsTruncated>false</IsTruncated></ListInventoryConfigurationsResult>'
for what in replication:replica logging:archived-log inventory:staging; do
	file=${what%%:*} class=${what##*:}
	eval "printf '%s' \"\$$file\"" >"config/$file"
	settle canned
	is "configured-$file-forbids-final" "$(kind canned)" exception-report
	is "configured-$file-is-present" "$("$Q" status canned --json | jq -r ".sources[0].classes[] | select(.class == \"$class\") | .verdict")" present
	sed "s/id = \"canned\"/id = \"with-$file\"/" canned.cfg >"with-$file.cfg"
	"$Q" plan "with-$file.cfg" >/dev/null 2>&1
	expect "configured-$file-blocks-a-plan" 5 "$Q" approve "with-$file" --certificate alice.pem --key alice.key
	rm "config/$file"
	settle canned
	is "without-$file-it-is-final" "$(kind canned)" final
done
kill "$stub"
finish
