#!/bin/sh
# The demonstration runs to its end and leaves the checkout as it was.
. "$(dirname "$0")/../lib.sh"
state() {
	(cd "$lib_root" && find . -path ./.git -prune -o -path ./build -prune -o -type f -newer "$T/start" -print)
}
touch "$T/start"
sleep 0.1
expect demonstration-ends-well 0 env TMPDIR="$T" KEEP=1 sh "$lib_root/tests/demo/demo.sh"
says it-shows-a-final-certificate '^VALID: final certificate'
says it-shows-the-refusal '^NOT VALID: do not rely on this document'
says it-says-where-things-are '^The folder is left for you: '
dir=$(sed -n 's/^The folder is left for you: //p' "$T/out")
[ -f "$dir/cases/acme-2026-01/certificate.json" ] && ok the-folder-is-left || not_ok the-folder-is-left "$dir"
expect the-case-can-be-gone-on-with 0 "$BIN/quietus" close "$dir/cases/acme-2026-01"
expect without-keeping-nothing-is-left 0 env TMPDIR="$T" KEEP=0 sh "$lib_root/tests/demo/demo.sh"
is one-folder-was-kept "$(find "$T" -maxdepth 1 -name 'quietus-demo-*' | wc -l)" 1
# other work may go on in a checkout; what the demonstration makes has these names
is nothing-is-left-in-the-checkout "$(state | grep -E '/(app\.db|acme\.cfg|cases|trail|.*\.key|inventory\.txt)')" ""
finish
