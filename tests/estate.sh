# estate.sh: small estates for the shell tests; source it after lib.sh.
# Everything is made below $T.  The client is number 7, its neighbour 77.

# the people of a closeout, once per test
people() {
	for p in processor alice bob mallory controller; do make_cert "$p"; done
}

# closeout NAME SOURCES [MORE]: writes $T/NAME.cfg for the client 7; MORE are
# further settings on the top level, e.g. a retention list.
# Variables: CHOICE (destroy), NOT_BEFORE, REQUIRED (2), CONTROLLER
closeout() {
	estate_cert=
	[ -z "${CONTROLLER:-}" ] || estate_cert=' certificate = "controller.pem";'
	cat >"$T/$1.cfg" <<END
closeout = {
  id = "$1";
  client = "7";
  contract    = { reference = "SUB-2021-0042"; ended = "2026-01-31"; clause = "Appendix 1, section 9"; };
  controller  = { name = "Acme SAS"; address = "1 rue Exemple, 75001 Paris, FR"; contact = "privacy@acme.example";$estate_cert };
  processor   = { name = "Example Self-Care SAS"; address = "2 rue Exemple, 75002 Paris, FR"; contact = "ops@example.example"; dpo = "dpo@example.example"; };
  instruction = { choice = "${CHOICE:-destroy}"; by = "data protection officer"; received = "2026-01-20"; };
  not_before  = "${NOT_BEFORE:-2026-02-28T00:00:00Z}";
  approvals   = { required = ${REQUIRED:-2}; approvers = [ "alice.pem", "bob.pem" ]; };
};
sources = ( $2 );
$3
signing = { certificate = "processor.pem"; key = "processor.key"; };
trail   = { directory = "trail"; key = "trail.key"; };
cases   = "cases";
END
}

# files of the client and of its neighbour, and a source for them
files() {
	mkdir -p "$T/files/7/sub/empty" "$T/files/77"
	echo "client seven, contract" >"$T/files/7/contract.txt"
	echo "client seven, photo" >"$T/files/7/sub/photo.jpg"
	echo "neighbour" >"$T/files/77/contract.txt"
}
FILES='{ name = "files"; provider = "directory"; path = "files/{client}"; category = "uploads"; }'

# a rehearsal store with N items of the client and two of the neighbour
# store FILE [N]
store() {
	i=0
	{
		printf '{"type":"quietus/fake-store","version":1,"items":[\n'
		while [ "$i" -lt "${2:-6}" ]; do
			printf '{"key":"clients/7/%04d","version":"v","class":"current","content":"item %d of seven"},\n' "$i" "$i"
			i=$((i + 1))
		done
		printf '{"key":"clients/7/old","version":"v0","class":"noncurrent","content":"older"},\n'
		printf '{"key":"clients/77/a","version":"v","class":"current","content":"neighbour"},\n'
		printf '{"key":"clients/8/a","version":"v","class":"current","content":"another"}]}\n'
	} >"$1"
}
# fake [FAULTS]: the source; FAULTS like '"lie", "grow"'
fake() {
	printf '{ name = "rehearsal"; provider = "fake"; path = "store.json"; prefix = "clients/{client}/"; category = "rehearsal";%s }' \
		"${1:+ faults = [ $1 ];}"
}
# how many items of a client are in the store
in_store() {
	jq "[.items[] | select(.key | startswith(\"clients/$1/\"))] | length" "$T/store.json"
}

# approve NAME: both approvers
approve() {
	for p in alice bob; do
		"$BIN/quietus" approve "$T/cases/$1" --certificate "$T/$p.pem" --key "$T/$p.key" >/dev/null 2>&1 || return 1
	done
}

# what must not depend on kills: kind, verdicts, counts
normal() {
	jq -S '{kind, retained, totals, sources: [.sources[] | {name, items, bytes, unplanned, classes: [.classes[] | {class, verdict, items, bytes}]}]}' "$1"
}
