# lib.sh: what shell tests share.  A test begins with
#
#	. "$(dirname "$0")/../lib.sh"
#
# and ends with `finish`.  It gets a private folder $T, removed at exit, and
# $BIN, the folder of the programs under test (build/bin unless the
# environment says otherwise).  Each claim prints one line that tests/run
# counts: "ok NAME", "not ok NAME" or "skip NAME: why".

lib_name=$(basename "$0" .sh)
lib_root=$(cd "$(dirname "$0")/../.." && pwd)
BIN=${BIN:-$lib_root/${BUILD:-build}/bin}
lib_failed=0
lib_passed=0
lib_skipped=0
lib_finished=
T=$(mktemp -d "${TMPDIR:-/tmp}/quietus-$lib_name-XXXXXX") || exit 2
export BIN T

lib_end() {
	lib_rc=$?
	trap - EXIT
	cd /
	# what a test made immutable, read-only or unreadable must go as well
	chmod -R u+rwX "$T" 2>/dev/null
	rm -rf "$T"
	if [ -z "$lib_finished" ]; then
		echo "not ok $lib_name: ended (status $lib_rc) before finish"
		exit 1
	fi
	exit $lib_rc
}
trap lib_end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

ok() { # NAME: the claim holds
	lib_passed=$((lib_passed + 1))
	echo "ok $lib_name: $1"
}
not_ok() { # NAME [WHY...]
	lib_failed=$((lib_failed + 1))
	echo "not ok $lib_name: $1"
	shift
	[ $# = 0 ] || printf '%s\n' "$@" | sed 's/^/#   /'
}
skip() { # NAME WHY: only for what this machine cannot show
	lib_skipped=$((lib_skipped + 1))
	if [ "${QUIETUS_REQUIRE_ALL:-}" = 1 ]; then
		not_ok "$1" "must not be skipped: $2"
	else
		echo "skip $lib_name: $1: $2"
	fi
}

# expect NAME CODE COMMAND...: the command ends with that exit status.  Its
# output stays in $T/out and $T/err for further claims and is shown when the
# status is another.  Returns 0 when the claim held.
expect() {
	lib_claim=$1 lib_want=$2
	shift 2
	lib_got=0
	"$@" >"$T/out" 2>"$T/err" </dev/null || lib_got=$?
	if [ "$lib_got" = "$lib_want" ]; then
		ok "$lib_claim"
		return 0
	fi
	not_ok "$lib_claim" "exit status $lib_got, expected $lib_want: $*"
	sed 's/^/#   out: /' "$T/out" | tail -n 40
	sed 's/^/#   err: /' "$T/err" | tail -n 40
	return 1
}
# says NAME PATTERN [FILE...]: a line matches the basic regular expression;
# without FILE in the standard output or error of the last expect.
says() {
	lib_claim=$1 lib_pattern=$2
	shift 2
	[ $# != 0 ] || set -- "$T/out" "$T/err"
	if cat "$@" | grep -q -e "$lib_pattern"; then
		ok "$lib_claim"
		return 0
	fi
	not_ok "$lib_claim" "nothing matches: $lib_pattern"
	cat "$@" | tail -n 40 | sed 's/^/#   /'
	return 1
}
# says_not NAME PATTERN [FILE...]: the reverse.  Pair it with a `says` of the
# same pattern on something that has it.
says_not() {
	lib_claim=$1 lib_pattern=$2
	shift 2
	[ $# != 0 ] || set -- "$T/out" "$T/err"
	if cat "$@" | grep -q -e "$lib_pattern"; then
		not_ok "$lib_claim" "this matches $lib_pattern:"
		cat "$@" | grep -e "$lib_pattern" | head -n 10 |
			sed 's/^/#   /'
		return 1
	fi
	ok "$lib_claim"
}
# is NAME GOT WANTED: two strings are equal
is() {
	if [ "$2" = "$3" ]; then
		ok "$1"
		return 0
	fi
	not_ok "$1" "got:      $2" "expected: $3"
	return 1
}

# make_cert NAME: $T/NAME.pem and $T/NAME.key, a self-signed P-256
# certificate for signing and encryption.
make_cert() {
	sh "$lib_root/tests/people" "$T" "$1" || exit 2
}
# fingerprint FILE: SHA-256 of a certificate, 64 lower-case digits
fingerprint() {
	openssl x509 -in "$1" -outform DER | sha256sum | cut -d' ' -f1
}

finish() { # the last line of every test
	lib_finished=1
	[ $((lib_passed + lib_failed + lib_skipped)) != 0 ] || {
		echo "not ok $lib_name: it claims nothing"
		exit 1
	}
	[ "$lib_failed" = 0 ] || exit 1
	exit 0
}
