#!/bin/sh
# kill -9 at every change of the disk that plan, approve, destroy and certify
# make, then the same command again: same verdicts, nothing outside the plan
# touched, nothing left (I4, I6).  KILL_STEP=n takes every nth point only.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../estate.sh"
case "$BIN" in *asan*) skip kill "a preloaded library and AddressSanitizer exclude each other"; finish ;; esac
cc -shared -fPIC -o "$T/killat.so" "$(dirname "$0")/killat.c" -ldl || { not_ok build-killat; finish; }
people
Q=$BIN/quietus
kills=0

# a fresh estate: files, a rehearsal store, a database
fresh() {
	rm -rf "$T/files" "$T/cases" "$T/trail" "$T/trail.key" "$T/app.db"*
	files
	store "$T/store.json" 4
	sqlite3 "$T/app.db" >/dev/null <<END
PRAGMA journal_mode=WAL;
CREATE TABLE client(id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE message(id INTEGER PRIMARY KEY, client_id INT REFERENCES client(id), body TEXT);
INSERT INTO client VALUES(7,'seven'),(77,'neighbour');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<1500)
INSERT INTO message SELECT i, CASE i%3 WHEN 0 THEN 77 ELSE 7 END, 'message number '||i FROM n;
END
}
DB='{ name = "app"; provider = "sqlite"; path = "app.db"; root = { table = "client"; column = "id"; }; category = "accounts"; }'
CONTROLLER=1 closeout k "$FILES, $(fake), $DB"

planned() { "$Q" plan "$T/k.cfg" >/dev/null 2>&1; }
destroyed() { "$Q" destroy "$T/cases/k" >/dev/null 2>&1; }
certified() { "$Q" certify "$T/cases/k" >/dev/null 2>&1; }
neighbours() {
	[ "$(cat "$T/files/77/contract.txt")" = neighbour ] && [ "$(in_store 77)" = 1 ] && [ "$(in_store 8)" = 1 ] &&
		[ "$(sqlite3 "$T/app.db" 'SELECT count(*) FROM message WHERE client_id=77')" = 500 ]
}
nothing_left() {
	[ ! -e "$T/files/7" ] && [ "$(in_store 7)" = 0 ] &&
		[ "$(sqlite3 "$T/app.db" 'SELECT count(*) FROM message WHERE client_id=7')" = 0 ]
}
everything_there() {
	[ -e "$T/files/7/contract.txt" ] && [ "$(in_store 7)" = 5 ] &&
		[ "$(sqlite3 "$T/app.db" 'SELECT count(*) FROM message WHERE client_id=7')" = 1000 ]
}

# the reference, without a kill
fresh
everything_there && ok kill-data-is-there-before || not_ok kill-data-is-there-before
planned && approve k && destroyed && certified
normal "$T/cases/k/certificate.json" >"$T/reference.json"
[ "$(jq -r .kind "$T/reference.json")" = final ] && ok kill-reference-is-final || not_ok kill-reference-is-final

# points COMMAND...: how many points a command has
points() {
	KILL_COUNT=$T/count LD_PRELOAD=$T/killat.so "$@" >/dev/null 2>&1
	cat "$T/count"
}
# killed N COMMAND...: kills it at point N; true when it was killed
killed() {
	n=$1
	shift
	KILL_AT=$n LD_PRELOAD=$T/killat.so "$@" >/dev/null 2>&1
	[ $? -eq 137 ] || return 1
	kills=$((kills + 1))
}
# the end of a case that was killed somewhere
same_end() {
	certified || return 1
	normal "$T/cases/k/certificate.json" | cmp -s - "$T/reference.json" || return 1
	neighbours && nothing_left || return 1
	"$BIN/quietus-verify" "$T/cases/k/certificate.json" --trust "$T/processor.pem" >/dev/null 2>&1
}

# sweep NAME POINTS STEP: kills `$command` at every STEPth point
sweep() {
	name=$1 total=$2 step=$3 bad=0 at=1
	while [ "$at" -le "$total" ]; do
		fresh
		"before_$name" || bad=$((bad + 1))
		killed "$at" $("command_$name")
		"after_$name" || { bad=$((bad + 1)); echo "# $name: killed at $at of $total: not the same end"; cp -r "$T/cases/k" "$T/bad-$name-$at" 2>/dev/null; }
		at=$((at + step))
	done
	[ "$bad" -eq 0 ] && ok "killed-$name-carries-on" || not_ok "killed-$name-carries-on"
}

before_plan() { :; }
command_plan() { echo "$Q plan $T/k.cfg"; }
after_plan() { everything_there && planned && approve k && destroyed && same_end; }
before_approve() { planned; }
command_approve() { echo "$Q approve $T/cases/k --certificate $T/alice.pem --key $T/alice.key"; }
after_approve() { everything_there && approve k && destroyed && same_end; }
before_destroy() { planned && approve k; }
command_destroy() { echo "$Q destroy $T/cases/k"; }
after_destroy() { neighbours && destroyed && same_end; }
before_certify() { planned && approve k && destroyed; }
command_certify() { echo "$Q certify $T/cases/k"; }
after_certify() { same_end; }

for c in plan approve destroy certify; do
	fresh
	"before_$c"
	n=$(points $("command_$c"))
	# about 60 points a command by default, all of them with KILL_STEP=1
	step=${KILL_STEP:-$(((n + 59) / 60))}
	sweep "$c" "$n" "$step"
done
echo "# $kills kills"
[ "$kills" -ge 150 ] && ok kill-often-enough || not_ok kill-often-enough
finish
