#!/bin/sh
# planted: breaks every rule of rules.sh about the source, one after another,
# in a copy of the tree, and demands that the rule sees exactly that: nothing
# new before, the planted file after.  A rule without a line here is a
# failure, so that none is believed without having been seen to fail.
set -u
cd "$(dirname "$0")/../.." || exit 2
LINT_CHECKOUT=$PWD
work=$(mktemp -d "${TMPDIR:-/tmp}/quietus-lint-XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
. tests/lint/rules.sh
mkdir "$work/copy"
tar cf - --exclude=./.git --exclude=./build . | tar xf - -C "$work/copy"
cd "$work/copy" || exit 2
seen=

# before RULE: what breaks it in the tree as it is, asked once
before() {
	seen="$seen rule_$1"
	[ -f "$work/$1" ] || rule_$1 >"$work/$1" 2>&1
}
# judge RULE FILE: the rule complains of something new
judge() {
	rule_$1 >"$work/after" 2>&1
	if grep -vxFq -f "$work/$1" "$work/after"; then
		echo "ok lint: planted_is_seen_$1"
	else
		echo "not ok lint: planted_is_seen_$1: $2"
	fi
}
# plant RULE FILE TEXT: FILE, which is new, holds TEXT
plant() {
	before "$1"
	printf '%b\n' "$3" >"$2" || exit 2
	judge "$1" "$2"
	rm -f "$2"
}
# take RULE FILE: FILE is missing
take() {
	before "$1"
	mv "$2" "$work/taken" || exit 2
	judge "$1" "$2"
	mv "$work/taken" "$2"
}

plant top_level_has_nothing_else lib.c 'int x;'
plant certs_reach_neither_providers_nor_tools certs/zz.c '#include "providers/provider.h"'
plant certs_reach_neither_providers_nor_tools certs/base/zz.h '#include "tools/quietus/run.h"'
plant certs_base_reaches_only_itself certs/base/zz.c '#include "certs/sign.h"'
plant certs_open_no_socket certs/zz.c '#include <sys/socket.h>'
plant certs_open_no_socket certs/zz.c 'int f(void)\n{\n\treturn socket(1, 2, 3);\n}'
plant providers_reach_certs_base_only providers/s3/zz.c '#include "certs/sign.h"'
plant providers_reach_certs_base_only providers/zz.c '#include "tools/quietus/ledger.h"'
plant providers_do_not_reach_each_other providers/fake/zz.c '#include "providers/s3/s3.h"'
plant tools_reach_the_provider_interface_only tools/quietus/zz.c '#include "providers/s3/s3.h"'
plant verifier_and_audit_reach_certs_only tools/quietus-verify/zz.c '#include "providers/provider.h"'
plant verifier_and_audit_reach_certs_only tools/quietus-audit/zz.c '#include "tools/quietus/run.h"'
plant operator_reaches_no_other_tool tools/quietus/zz.c '#include "tools/quietus-verify/show.h"'
plant libcurl_stays_in_providers_http providers/s3/zz.c '#include <curl/curl.h>'
plant libconfig_stays_in_closeout_c tools/quietus/run_zz.c '#include <libconfig.h>'
plant sqlite_stays_in_ledger_and_provider tools/quietus/zz.c '#include <sqlite3.h>'
plant only_the_wrapper_calls_the_slot tools/quietus/zz.c 'void f(void)\n{\n\tp->destroy(h);\n}'
plant only_the_guard_destroys tools/quietus/zz.c 'void f(void)\n{\n\tsource_destroy(s);\n}'
plant no_banned_function certs/zz.c 'void f(void)\n{\n\tstrcpy(a, b);\n}'
plant no_banned_function providers/zz.c 'void f(void)\n{\n\tsystem("ls");\n}'
plant files_are_written_in_certs_base tools/quietus/zz.c 'void f(void)\n{\n\tfopen(path,\n\t      "wb");\n}'
plant libraries_neither_print_nor_exit certs/zz.c 'void f(void)\n{\n\tprintf("x");\n}'
plant libraries_neither_print_nor_exit providers/zz.c 'void f(void)\n{\n\tfprintf(stderr, "x");\n}'
plant certs_read_no_environment certs/zz.c 'void f(void)\n{\n\tgetenv("HOME");\n}'
plant no_typedef_of_structs certs/zz.h 'typedef struct zz zz_t;'
plant files_stay_below_800_lines certs/zz.c "$(seq 801)"
plant nothing_is_left_unfinished certs/zz.c '/* TO''DO */'
plant headers_are_guarded certs/zz.h 'int zz;'
plant layout_is_clang_format_s certs/zz.c 'int   zz ;'
plant scripts_parse tests/zz.sh '#!/bin/sh\nif'
plant no_file_names_this_machine docs/zz.md "see $LINT_CHECKOUT/tests"
plant no_file_names_this_machine docs/zz.md 'see /wo''rk/zz'
plant no_file_names_this_machine docs/zz.md 'see sha''red/DESIGN.md'
take folders_say_what_belongs_there tools/README.md
plant links_in_documents_lead_somewhere docs/zz.md '[x](nowhere.md)'
plant tests_that_documents_name_exist docs/zz.md 'shown by `tests/run: no-such-claim`'
plant manual_pages_are_well_formed docs/man/zz.1 '.Dd today\n.XX\n.Sh NAME'
take every_program_has_its_page docs/man/quietus.1

for rule in $(sed -n 's/^\(rule_[a-z0-9_]*\)() {$/\1/p' tests/lint/rules.sh); do
	case " $seen " in
	*" $rule "*) ;;
	*) echo "not ok lint: $rule was never seen to fail" ;;
	esac
done
