#!/bin/sh
# Signals stop at a safe point and the same command carries on; a terminal gets
# one progress line and redirected output stays clean; random kills (I6).
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../estate.sh"
people
Q=$BIN/quietus
cd "$T" || exit 1
kind() { "$Q" status "$1" --json 2>/dev/null | jq -r .certificate; }

# ---- SIGINT and SIGTERM in the middle of a destruction
for sig in INT TERM; do
	id=$(echo $sig | tr A-Z a-z)
	store store.json 400
	closeout "stop-$id" "$(fake '"slow:40"')"
	"$Q" plan "stop-$id.cfg" >/dev/null && approve "stop-$id"
	before=$(in_store 7)
	# a background job of a shell ignores SIGINT: give it back its default
	perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' "$Q" destroy "stop-$id" >out 2>err &
	pid=$!
	i=0
	while [ "$(in_store 7)" = "$before" ] && [ $i -lt 200 ]; do
		sleep 0.02
		i=$((i + 1))
	done
	kill -$sig $pid
	wait $pid
	is "$sig-ends-with-3" $? 3
	says "$sig-says-how-to-carry-on" "carries on\|carry on" err
	left=$(in_store 7)
	[ "$left" -gt 0 ] && [ "$left" -lt "$before" ] && ok "$sig-stopped-half-way" || not_ok "$sig-stopped-half-way" "$left of $before are left"
	is "$sig-state-is-destroying" "$("$Q" status "stop-$id" --json | jq -r .state)" destroying
	says "$sig-status-says-who-must-act" "operator carries on" "$("$Q" status "stop-$id" >words; echo words)"
	expect "$sig-run-resumes-and-certifies" 0 "$Q" run "stop-$id"
	is "$sig-is-final-in-the-end" "$(kind "stop-$id")" final
done

# ---- a terminal gets a progress line, a file does not
store store.json 400
closeout shown "$(fake '"slow:60"')"
script -qec "$Q plan shown.cfg" /dev/null >terminal 2>&1
approve shown
script -qec "$Q destroy shown" /dev/null >>terminal 2>&1
says progress-on-a-terminal "a second" terminal
store store.json 400
closeout hidden "$(fake '"slow:60"')"
{ "$Q" plan hidden.cfg && approve hidden && "$Q" destroy hidden; } >file 2>&1
says_not no-progress-in-a-file "a second" file

# ---- killed at random times
files_and_store() {
	rm -rf files cases trail trail.key
	files
	store store.json 300
}
closeout random "$FILES, $(fake '"slow:8"')"
bad=0 kills=0 n=1
while [ $n -le 40 ]; do
	files_and_store
	"$Q" plan random.cfg >/dev/null 2>&1 && approve random
	# between 2 and 80 ms after the start
	timeout -s KILL "0.0$(printf %02d $((n * 2)))" "$Q" destroy random >/dev/null 2>&1
	[ $? = 137 ] && kills=$((kills + 1))
	# timeout does not wait for a process that dies in the middle of a sync
	flock cases/random/lock true
	"$Q" destroy random >/dev/null 2>&1 || bad=$((bad + 1))
	"$Q" certify random >/dev/null 2>&1
	[ "$(kind random)" = final ] && [ "$(in_store 7)" = 0 ] && [ ! -e files/7 ] &&
		[ "$(in_store 77)" = 1 ] && [ -e files/77/contract.txt ] || bad=$((bad + 1))
	n=$((n + 1))
done
is killed-at-random-carries-on $bad 0
echo "# $kills random kills"
[ $kills -ge 15 ] && ok random-kills-hit || not_ok random-kills-hit "$kills of 40"

# ---- 'status' reads beside a run that works
store store.json 400
closeout both "$(fake '"slow:60"')"
"$Q" plan both.cfg >/dev/null && approve both
"$Q" destroy both >/dev/null 2>&1 &
pid=$!
sleep 0.1
expect a-second-run-is-refused 5 "$Q" destroy both
expect status-reads-beside-it 0 "$Q" status both
wait $pid
is the-first-run-was-not-disturbed $? 0
finish
