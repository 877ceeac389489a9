#!/bin/sh
# The demonstration, as `make demo` runs it: it ends well, its evidence is
# real, and nothing of it stays in the tree.
. "$(dirname "$0")/../lib.sh"
demo=$lib_root/tests/demo

# every file of the tree with its size and time, but what building makes
tree() {
	(cd "$lib_root" && find . -path ./.git -prune -o -path ./build -prune \
		-o -type f -printf '%p %s %T@\n' | sort | sha256sum)
}
before=$(tree)
TMPDIR=$T expect demo-ends-well 0 sh "$demo/demo.sh"
says demo-says-so '^== Everything ended as it should$' "$T/out"
is demo-leaves-checkout-clean "$(tree)" "$before"

D=$(sed -n 's/^== The estate: //p' "$T/out")
[ -n "$D" ] && [ -d "$D" ] && ok demo-leaves-its-folder ||
	not_ok demo-leaves-its-folder "$D"
cd "$D" || exit 1
C=cases/acme-2024-01/certificate.json
is certificate-is-final "$(jq -r .kind $C)" final
is its-reservation-is-the-retention "$(jq -r '[.reservations[].verdict] | join(" ")' $C)" retained
is residue-was-found-before "$(jq '[.sources[].validation.hits_before // 0] | add > 0' $C)" true
is no-residue-is-found-after "$(jq '[.sources[].validation.hits_after // 0] | add' $C)" 0
is bystanders-are-unchanged "$(jq -r '[.sources[].bystanders.outcome] | unique | join(" ")' $C)" unchanged
expect certificate-verifies 0 "$BIN/quietus-verify" --trust processor.pem $C
expect tampered-certificate-is-refused 2 "$BIN/quietus-verify" --trust processor.pem tampered/certificate.json
says the-refusal-names-the-signature 'signature does not hold'

expect the-case-can-be-closed 0 "$BIN/quietus" close acme-2024-01

# ---- the demonstration notices when data of the client is there after all
mkdir "$T/bin"
ln -s "$BIN/quietus-verify" "$BIN/quietus-audit" "$T/bin"
cat >"$T/bin/quietus" <<END
#!/bin/sh
"$BIN/quietus" "\$@" || exit
[ "\$1" != certify ] || echo acmeorder0001 >attachments/8/forgotten.txt
END
chmod +x "$T/bin/quietus"
BIN=$T/bin TMPDIR=$T expect demo-notices-what-was-left 1 sh "$demo/demo.sh"
says what-was-left-is-named "the client's word in files: 1 instead of 0"
finish
