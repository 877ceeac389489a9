#!/bin/bash
# quietus-audit on trails that were written with openssl, xxd and sha256sum
# alone, following docs/formats/trail.md; then that page's own verification
# steps, run as they are printed there.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
page=$here/../../docs/formats/trail.md
audit=${BIN:?set BIN to the folder of the built programs}/quietus-audit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0

ok() { echo "ok audit: $1"; }
not_ok() { echo "not ok audit: $1"; failed=1; [ -e out ] && sed 's/^/# /' out err; }

# claim STATUS WORDS NAME COMMAND...: runs it, expects status and words (in
# either output; "" for none)
claim() {
	local want=$1 words=$2 name=$3 got
	shift 3
	"$@" >out 2>err
	got=$?
	if [ $got -eq "$want" ] && { [ -z "$words" ] ||
		grep -qF -e "$words" out err; }; then
		ok "$name"
	else
		echo "# status $got, wanted $want with \"$words\""
		not_ok "$name"
	fi
}

# ---- a trail by stock tools ------------------------------------------------

sha() { sha256sum | cut -c1-64; }

new_key() { # NAME: NAME.pem NAME.raw NAME.vkey
	openssl genpkey -quiet -algorithm ed25519 -out "$1.pem"
	openssl pkey -in "$1.pem" -pubout -outform DER | tail -c 32 >"$1.raw"
	local name id
	name=quietus/$(sha <"$1.raw" | cut -c1-16)
	id=$({ printf '%s\n\001' "$name"; cat "$1.raw"; } | sha | cut -c1-8)
	echo "$name+$id+$({ printf '\001'; cat "$1.raw"; } | base64 -w0)" >"$1.vkey"
}

entry() { # INDEX EVENT CASE
	printf '{"type":"quietus/trail-entry","version":1,"event":"%s","case":"%s","time":"2026-11-30T00:00:%02dZ","digests":{"plan":"%064d"}}' \
		"$2" "$3" $(($1 % 60)) "$1"
}

root_of() { # reads hashes in hex, a line each
	cat >hashes.now
	while [ "$(wc -l <hashes.now)" -gt 1 ]; do
		paste -d' ' - - <hashes.now | while read -r a b; do
			if [ -n "$b" ]; then
				printf '01%s%s' "$a" "$b" | xxd -r -p | sha
			else
				echo "$a"
			fi
		done >hashes.next
		mv hashes.next hashes.now
	done
	cat hashes.now
}

sign_checkpoint() { # KEY SIZE ROOTHEX
	local name
	name=$(cut -d+ -f1 "$1.vkey")
	printf '%s\n%s\n%s\n' "$name" "$2" \
		"$(echo "$3" | xxd -r -p | base64)" >note.text
	openssl pkeyutl -sign -rawin -inkey "$1.pem" -in note.text -out note.sig
	cat note.text
	printf '\n\xe2\x80\x94 %s %s\n' "$name" \
		"$({ cut -d+ -f2 "$1.vkey" | xxd -r -p; cat note.sig; } | base64 -w0)"
}

# write_trail FOLDER KEY ENTRY-FILE...: fewer than 256 of them
write_trail() {
	local dir=$1 key=$2 n
	shift 2
	n=$#
	rm -rf "$dir"
	mkdir -p "$dir/tile/entries/000.p" "$dir/tile/0/000.p"
	: >leaves
	for f in "$@"; do
		printf '%04x' "$(wc -c <"$f")" | xxd -r -p
		cat "$f"
		{ printf '\000'; cat "$f"; } | sha >>leaves
	done >"$dir/tile/entries/000.p/$n"
	xxd -r -p <leaves >"$dir/tile/0/000.p/$n"
	cp "$key.vkey" "$dir/key.vkey"
	sign_checkpoint "$key" "$n" "$(root_of <leaves)" >"$dir/checkpoint"
	chmod -R go= "$dir"
}

acme=00112233445566778899aabbccddeeff
other=ffeeddccbbaa99887766554433221100
i=0
for what in planned:$acme approved:$acme approved:$acme planned:$other \
	destroyed:$acme certified:$acme closed:$acme; do
	entry $i "${what%:*}" "${what#*:}" >e$i
	i=$((i + 1))
done
new_key a
new_key b
write_trail T a e0 e1 e2 e3 e4 e5 e6
write_trail T5 a e0 e1 e2 e3 e4
write_trail FORK a e0 e1 e2 e4 e3 e5
write_trail OTHER b e0 e1 e2 e3 e4 e5 e6

# ---- verify -----------------------------------------------------------------

claim 0 "The trail is intact: 7 entries" \
	"a trail written with stock tools verifies" "$audit" verify T
claim 0 "compare it with the verifier key" \
	"without a key it says that the key is the trail's own" "$audit" verify T
claim 0 "It carries on the earlier checkpoint of 5 entries" \
	"an earlier checkpoint is carried on" \
	"$audit" verify T --key a.vkey --checkpoint T5/checkpoint
claim 0 "The trail is intact" "the key may be given as a line" \
	"$audit" verify T --key "$(cat a.vkey)"
claim 2 "entries were taken away" "truncation is seen by a later checkpoint" \
	"$audit" verify T5 --checkpoint T/checkpoint
claim 2 "(a fork)" "a fork is seen by a checkpoint of the other branch" \
	"$audit" verify T --checkpoint FORK/checkpoint
claim 0 "The trail is intact" "and that other branch is a sound log by itself" \
	"$audit" verify FORK
claim 2 "the key to trust is that of" "another key is refused" \
	"$audit" verify T --key b.vkey
claim 2 "the earlier checkpoint: checkpoint: it is not signed with the key" \
	"an earlier checkpoint by another key is refused" \
	"$audit" verify T --checkpoint OTHER/checkpoint
claim 0 '"result": "valid"' "verify --json says valid" \
	"$audit" verify T --json
claim 0 '"entries": 7' "verify --json counts the entries" \
	"$audit" verify T --json

mutate() { # NAME WORDS COMMAND: changes a copy M of T, which verified before
	rm -rf M
	cp -a T M
	"$audit" verify M >/dev/null 2>&1 || not_ok "the copy verifies first"
	eval "$3"
	claim 2 "$2" "$1" "$audit" verify M
}
mutate "an edited entry is named" "entry 2 does not have the hash" \
	'sed -i "s/0000000002\"/0000000009\"/" M/tile/entries/000.p/7'
mutate "swapped entries are named" "entries 4 to 5 do not have the hashes" \
	'{ for f in e0 e1 e2 e3 e5 e4 e6; do printf "%04x" $(wc -c <$f) | xxd -r -p; cat $f; done; } >M/tile/entries/000.p/7'
mutate "a truncated bundle is named" "does not hold the 7 entries" \
	'truncate -s -10 M/tile/entries/000.p/7'
mutate "a missing tile is named" "tile/0/000.p/7" 'rm M/tile/0/000.p/7'
mutate "a checkpoint by another key is refused" "not signed with the key of" \
	'cp OTHER/checkpoint M/checkpoint'
mutate "a size typed into the checkpoint is refused" \
	"changed after it was signed" 'sed -i "2s/7/6/" M/checkpoint'
mutate "two defects are both named" "entry 0 does not have the hash" \
	'sed -i "s/planned/PLANNED/" M/tile/entries/000.p/7; sed -i "2s/7/6/" M/checkpoint; cp M/tile/entries/000.p/7 M/tile/entries/000.p/6; cp T5/tile/0/000.p/5 M/tile/0/000.p/6; xxd -p -c 32 -s 160 -l 32 T/tile/0/000.p/7 | xxd -r -p >>M/tile/0/000.p/6; truncate -s -$(($(wc -c <e6) + 2)) M/tile/entries/000.p/6'
grep -qF "changed after it was signed" out &&
	ok "and the other one" || not_ok "and the other one"
claim 2 '"result": "not valid"' "verify --json says not valid" \
	"$audit" verify M --json

claim 3 "NOWHERE" "a folder that is not there cannot be checked" \
	"$audit" verify NOWHERE
claim 3 "" "a trail without checkpoint cannot be checked" \
	bash -c 'rm -rf M; cp -a T M; rm M/checkpoint; "$0" verify M' "$audit"
claim 3 "" "a trail without key cannot be checked" \
	bash -c 'rm -rf M; cp -a T M; rm M/key.vkey; "$0" verify M' "$audit"
claim 3 "no-such-file" "an earlier checkpoint that is not there" \
	"$audit" verify T --checkpoint no-such-file
claim 64 "verifier key" "a key that is none is a usage error" \
	"$audit" verify T --key "not+a+key"
claim 64 "usage:" "no trail is a usage error" "$audit" verify
claim 64 "usage:" "an option of another command is a usage error" \
	"$audit" verify T --out x
claim 64 "no command of that name" "an unknown command is a usage error" \
	"$audit" veryfy T
claim 64 "usage:" "nothing at all is a usage error" "$audit"
claim 0 "Exit status: 0 good, 2 not valid" "--help" "$audit" --help
claim 0 "--checkpoint FILE" "verify --help" "$audit" verify --help
claim 0 "quietus-audit " "--version" "$audit" --version
if [ -e /dev/full ]; then
	claim 3 "could not be written" "a full disk is not a good result" \
		bash -c '"$0" verify T >/dev/full' "$audit"
fi

# ---- list, show, prove --------------------------------------------------------

claim 0 "2026-11-30T00:00:05Z  certified  $acme  plan=$(printf %064d 5)" \
	"list prints number, time, event, case and digests" "$audit" list T
[ "$(wc -l <out)" -eq 7 ] && ok "list has a line for each entry" ||
	not_ok "list has a line for each entry"
claim 0 "$other" "list --case prints that case" \
	"$audit" list T --case $other
[ "$(wc -l <out)" -eq 1 ] && ok "and no other" || not_ok "and no other"
claim 64 "32 hexadecimal" "a case number that is none is a usage error" \
	"$audit" list T --case ACME
claim 0 '"event": "certified"' "list --json" "$audit" list T --json

printf '{"odd":"a\033[31m\177"}' >odd
printf '{"type":"quietus/trail-entry","version":2,"event":"planned"}' >newer
write_trail ODD a e0 odd newer e1
claim 0 "1  not an entry this version knows" \
	"an entry of another shape is listed and no error" "$audit" list ODD
grep -q "approved" out && ok "and the list goes on" || not_ok "and the list goes on"
claim 0 '%1B[31m%7F' "control characters in an entry are shown escaped" \
	"$audit" show ODD 1
LC_ALL=C grep -q "$(printf '\033')" out && not_ok "no raw escape reaches the terminal" ||
	ok "no raw escape reaches the terminal"
claim 2 "entry 1 is not as this program writes entries: it is not JSON" \
	"verify names an entry of another shape" "$audit" verify ODD
claim 2 "entry 2 is not as this program writes entries" \
	"and the next one" "$audit" verify ODD
# shape NAME WORDS SED: entry 1 changed by it, everything signed as before
shape() {
	write_trail GOOD a e0 e1 e2
	"$audit" verify GOOD >/dev/null 2>&1 || not_ok "entries verify before: $1"
	sed "$3" e1 >bent
	cmp -s e1 bent && not_ok "nothing was changed: $1"
	write_trail BENT a e0 bent e2
	claim 2 "$2" "verify refuses an entry with $1" "$audit" verify BENT
	claim 2 "$2" "verify --json says so of $1" "$audit" verify BENT --json
}
shape "a name for the case" "its case is not" \
	"s/\"case\":\"[0-9a-f]*\"/\"case\":\"Acme SAS, invoices\"/"
shape "one more key" "it has a key" 's/{"type"/{"who":"Dupont","type"/'
shape "a digest called by a person" "a digest of a name" 's/"plan":/"dupont":/'
shape "a digest that is none" "is not 64" 's/"plan":"0/"plan":"x/'
shape "an event of its own" "its event" 's/approved/hacked/'
shape "no time" "its time" 's/2026-11-30T/yesterday /'
shape "a later version" "its version" 's/"version":1/"version":9/'
shape "no digest" "it has no digests" 's/"digests":{.*}}/"digests":{}}/'
"$audit" show T 4 >out 2>err
printf '%s\n' "$(cat e4)" | cmp -s - out && ok "show prints the exact entry" ||
	not_ok "show prints the exact entry"
claim 64 "there is no entry 7" "an entry beyond the end is a usage error" \
	"$audit" show T 7
claim 64 "INDEX is the number" "a number that is none is a usage error" \
	"$audit" show T -- -1
claim 0 "" "prove writes a file" "$audit" prove T 4 --out proof
claim 64 "already there" "and does not replace one" \
	"$audit" prove T 4 --out proof
"$audit" prove T 4 >out 2>err && cmp -s out proof && ok "prove prints the same" ||
	not_ok "prove prints the same"
rm -rf M
cp -a T M
sed -i 's/0000000002"/0000000009"/' M/tile/entries/000.p/7
claim 2 "" "no proof is made from a damaged trail" "$audit" prove M 1

# ---- the page's own steps --------------------------------------------------------

blocks() { sed -n "/^ *\`\`\`$1\$/,/^ *\`\`\`\$/p" "$page" | grep -v '```'; }
{ echo 'set -eu'; blocks sh; } >steps.sh
{ echo 'set -eu'; blocks proof; } >proof.sh
steps() { # TRAIL INDEX
	rm -rf s && mkdir s && (cd s && T="../$1" I=$2 sh ../steps.sh)
}
proof_steps() { # PROOF VKEY
	rm -rf s && mkdir s && (cd s && P="../$1" V="../$2" sh ../proof.sh)
}
[ "$(grep -c . steps.sh)" -gt 25 ] && [ "$(grep -c . proof.sh)" -gt 25 ] &&
	ok "the page has its steps" || not_ok "the page has its steps"
for n in 0 3 6; do
	claim 0 "Signature Verified Successfully" \
		"the page's steps hold for entry $n" steps T $n
done
cmp -s s/entry e6 && ok "and yield the entry" || not_ok "and yield the entry"
claim 1 "" "the page's steps see an edited entry" steps M 2
claim 0 "Signature Verified" "the page's steps hold for the entry beside it" \
	steps M 1
rm -rf M && cp -a T M && sed -i '2s/7/6/' M/checkpoint
claim 1 "" "the page's steps see a changed checkpoint" steps M 1
rm -rf M && cp -a T M && cp b.vkey M/key.vkey
claim 1 "" "the page's steps see another key" steps M 1
for n in 0 4 6; do
	"$audit" prove T $n >p$n
	claim 0 "$(cat e$n)" "the page's steps check the proof of entry $n" \
		proof_steps p$n a.vkey
done
claim 1 "" "the page's steps see a proof of another log" proof_steps p4 b.vkey
sed 's/^index 4/index 5/' p4 >p5
claim 1 "" "the page's steps see another index" proof_steps p5 a.vkey
exit $failed
