#!/bin/sh
# The demonstration, as `make demo` runs it: it ends well, its evidence is
# real, it notices what was left, and nothing of it stays in the tree.  Then
# the first case of README.md, as it stands there.
. "$(dirname "$0")/../lib.sh"
demo=$lib_root/tests/demo
unset KEEP
TMPDIR=$T
export TMPDIR

# what it makes has these names; other work may go on in a checkout
made_in_tree() {
	(cd "$lib_root" && find . -path ./.git -prune -o -path ./build -prune \
		-o -type f -newer "$T/start" -print) |
		grep -E '/(app\.db|acme\.cfg|cases|trail|.*\.key|inventory\.txt|verified\.txt)' |
		grep -v '^\./tests/' || :
}
kept() { find "$T" -mindepth 1 -maxdepth 1 -name 'quietus-demo-*' | wc -l; }

touch "$T/start"
sleep 0.1
expect demo-ends-well 0 sh "$demo/demo.sh"
says demo-shows-a-final-certificate '^VALID: final certificate' "$T/out"
says demo-shows-the-refusal '^NOT VALID: do not rely on this document' "$T/out"
says demo-says-that-it-ended-well '^== Everything ended as it should$' "$T/out"
is demo-leaves-checkout-clean "$(made_in_tree)" ""
D=$(sed -n 's/^The folder is left for you: //p' "$T/out")
is demo-keeps-one-folder "$(kept)" 1
cd "$D" || exit 1

C=cases/acme-2026-01/certificate.json
is certificate-is-final "$(jq -r .kind $C)" final
is the-invoices-are-a-reservation "$(jq '[.reservations[] | select(.verdict == "retained")] | length' $C)" 1
is residue-was-found-before "$(jq '[.sources[].validation.hits_before // 0] | add > 0' $C)" true
is no-residue-is-found-after "$(jq '[.sources[].validation.hits_after // 0] | add' $C)" 0
is bystanders-are-unchanged "$(jq -r '[.sources[].bystanders.outcome] | unique | join(" ")' $C)" unchanged
expect certificate-verifies 0 "$BIN/quietus-verify" --trust processor.pem $C
expect tampered-certificate-is-refused 2 "$BIN/quietus-verify" --trust processor.pem tampered/certificate.json
says the-refusal-names-the-signature 'signature does not hold'
expect the-case-can-be-gone-on-with 0 "$BIN/quietus" close acme-2026-01

# ---- the demonstration notices when data of the client is there after all
mkdir "$T/bin"
ln -s "$BIN/quietus-verify" "$BIN/quietus-audit" "$T/bin"
cat >"$T/bin/quietus" <<END
#!/bin/sh
"$BIN/quietus" "\$@" || exit
[ "\$1" != certify ] || echo acme-visitors >files/3/forgotten.txt
END
chmod +x "$T/bin/quietus"
BIN=$T/bin expect demo-notices-what-was-left 1 sh "$demo/demo.sh"
says what-was-left-is-named "the client's word in attachments: 1 instead of 0"
expect without-keeping-it-ends-well 0 env KEEP=0 sh "$demo/demo.sh"
is without-keeping-nothing-is-left "$(kept)" 2

# ---- README.md: its keys, its closeout file, its steps, what is handed over
mkdir -p "$T/first/files/7" "$T/first/files/77"
cd "$T/first" || exit 1
echo seven >files/7/a
echo neighbour >files/77/a
sed -n '/^    for who in processor/,/^    done/p' "$lib_root/README.md" >keys.sh
expect readme-makes-keys 0 sh keys.sh
sed -n '/^    closeout = {$/,/^    trail /p' "$lib_root/README.md" >first.cfg
expect readme-closeout-is-accepted 0 "$BIN/quietus" check first.cfg
expect readme-plans 0 "$BIN/quietus" plan first.cfg
for who in alice bob; do
	expect readme-$who-approves 0 "$BIN/quietus" approve first --certificate $who.pem --key $who.key
done
is readme-data-is-there-before "$(cat files/7/a)" seven
expect readme-destroys 0 "$BIN/quietus" destroy first
is readme-data-is-gone "$(ls files)" 77
expect readme-certifies 0 "$BIN/quietus" certify first
mkdir client
(cd cases/first && for f in *; do
	case $f in ledger.db* | lock | case.json | closeout.cfg) ;;
	*) cp -R "$f" ../../client ;;
	esac
done)
cd client || exit 1
expect what-readme-hands-over-verifies 0 "$BIN/quietus-verify" --trust ../processor.pem certificate.json
cd ..
cp trail/checkpoint kept
expect readme-closes 0 "$BIN/quietus" close first
expect readme-audits 0 "$BIN/quietus-audit" verify trail --checkpoint kept
finish
