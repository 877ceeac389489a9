# rules.sh: the rules of the project's shape, one shell function each.  A rule
# prints what breaks it, one line each as "file:line: ...", and nothing when
# it is kept.  All run in the root of the tree.  tests/lint/planted.sh breaks
# each of them in a copy and demands that it is seen.

# the C files and headers of the given folders
c_files() {
	find "$@" -name '*.[ch]' 2>/dev/null | sort
}
# every file that belongs to the project
all_files() {
	find . -path ./.git -prune -o -path ./build -prune -o -type f -print |
		sed 's|^\./||' | sort
}
# code FILE...: "file:line: text" without comments, for rules about calls
code() {
	for f in "$@"; do
		gcc -fpreprocessed -dD -E "$f" 2>/dev/null | awk -v f="$f" '
			/^# [0-9]+ / { line = $2 - 1; next }
			{ line++; if ($0 !~ /^[ \t]*$/) print f ":" line ": " $0 }'
	done
}
# includes FILE...: "file:line: header"
includes() {
	[ $# = 0 ] || grep -HnoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^>"]+' \
		"$@" | sed 's/#.*[<"]/ /'
}
# only ALLOWED: passes on the lines of includes whose header does not match
but() {
	grep -vE "^[^ ]+ +($1)" || :
}

# ---- rooms and arrows (docs/DESIGN.md, Rooms) --------------------------------

rule_top_level_has_nothing_else() {
	find . -mindepth 1 -maxdepth 1 ! -name '.*' ! -name build |
		sed 's|^\./||' |
		grep -vxE 'tools|providers|certs|tests|docs|Makefile|README\.md|LICENSE' || :
}
rule_certs_reach_neither_providers_nor_tools() {
	includes $(c_files certs) | grep '/' | grep -E ' (.*/)?(providers|tools|tests)/|\.\./' || :
}
rule_certs_base_reaches_only_itself() {
	includes $(c_files certs/base) | grep -E ' certs/' | but 'certs/base/'
}
rule_certs_open_no_socket() {
	includes $(c_files certs) |
		grep -E ' (sys/socket|sys/un|netinet/|arpa/|netdb|curl/|net/)' || :
	code $(c_files certs) |
		grep -E '\b(socket|connect|getaddrinfo|BIO_new_connect|BIO_s_connect) ?\(' || :
}
rule_providers_reach_certs_base_only() {
	includes $(c_files providers) | grep -E ' (certs|tools|tests)/|\.\./' |
		but 'certs/base/'
}
rule_providers_do_not_reach_each_other() {
	for dir in providers/*/; do
		dir=${dir%/}
		includes $(c_files "$dir") | grep -E ' providers/' |
			but "providers/provider\.h|providers/http/|$dir/"
	done
}
rule_tools_reach_the_provider_interface_only() {
	includes $(c_files tools) | grep -E ' providers/|\.\./' |
		but 'providers/provider\.h'
}
rule_verifier_and_audit_reach_certs_only() {
	for tool in quietus-verify quietus-audit quietus-receive; do
		[ -d tools/$tool ] || continue
		includes $(c_files tools/$tool) | grep -E ' (providers|tools|tests)/' |
			but "tools/$tool/"
	done
}
rule_operator_reaches_no_other_tool() {
	includes $(c_files tools/quietus) | grep -E ' tools/' |
		but 'tools/quietus/'
}
rule_libcurl_stays_in_providers_http() {
	includes $(c_files tools providers certs) | grep -E ' curl/' |
		grep -v '^providers/http/' || :
}
rule_libconfig_stays_in_closeout_c() {
	includes $(c_files tools providers certs) | grep -E ' libconfig' |
		grep -v '^tools/quietus/closeout\.c:' || :
}
rule_sqlite_stays_in_ledger_and_provider() {
	includes $(c_files tools providers certs) | grep -E ' sqlite3' |
		grep -vE '^(tools/quietus/ledger[a-z_]*\.[ch]|providers/sqlite/)' || :
}
# I1-I4: destruction goes through the guard
rule_only_the_wrapper_calls_the_slot() {
	code $(c_files tools providers certs) | grep -E '(->|\.)destroy\(' |
		grep -v '^providers/provider\.c:' || :
}
rule_only_the_guard_destroys() {
	code $(c_files tools providers certs) | grep -E '\bsource_destroy\(' |
		grep -vE '^(providers/provider\.[ch]|tools/quietus/guard\.c):' || :
}

# ---- functions and habits (docs/STYLE.md) ------------------------------------

rule_no_banned_function() {
	code $(c_files tools providers certs) |
		grep -E '\b(strcpy|strcat|v?sprintf|strtok|gmtime|localtime|atoi|atol|atof|gets|system|popen|tmpnam|mktemp|rand) ?\(' || :
}
rule_files_are_written_in_certs_base() {
	for f in $(c_files tools providers certs | grep -v '^certs/base/'); do
		tr '\n\t' '  ' <"$f" |
			grep -oE '\bf(re|d)?open\([^;]*, *"[^"]*[wa+][^"]*"' |
			sed "s|^|$f: |"
	done
}
# the terminal belongs to tools/; a prompt for a passphrase is the exception
rule_libraries_neither_print_nor_exit() {
	code $(c_files providers certs) |
		grep -E '\b(printf|puts|putchar|perror|exit|_exit|err|errx|warn|warnx) ?\(|\bf(printf|puts|write)\([^;]*\bstd(out|err)\b' |
		grep -v '^certs/passphrase\.c:' || :
}
rule_certs_read_no_environment() {
	code $(c_files certs) | grep -E '\b(secure_)?getenv ?\(' || :
}
rule_no_typedef_of_structs() {
	code $(c_files tools providers certs) |
		grep -E '\btypedef (struct|union|enum)\b' || :
}
rule_files_stay_below_800_lines() {
	for f in $(c_files tools providers certs); do
		lines=$(wc -l <"$f")
		[ "$lines" -le 800 ] || echo "$f: $lines lines"
	done
}
rule_nothing_is_left_unfinished() {
	c_files tools providers certs tests | xargs grep -nHE \
		'\b(TO''DO|FIX''ME|X''XX|HA''CK)\b' || :
}
rule_headers_are_guarded() {
	for f in $(c_files tools providers certs | grep '\.h$'); do
		grep -q '^#ifndef QUIETUS_' "$f" || echo "$f: no include guard"
	done
}
rule_layout_is_clang_format_s() {
	command -v clang-format >/dev/null 2>&1 || {
		echo "clang-format is missing: run make deps"
		return
	}
	c_files tools providers certs tests |
		xargs clang-format --dry-run -Werror 2>&1 |
		grep -E ': error:' | sed 's/ \[-W.*//' || :
}
rule_scripts_parse() {
	for f in $(all_files); do
		case $f in *.c | *.h | *.md) continue ;; esac
		case $(head -c 20 "$f" | head -n 1 | tr -d '\0') in
		'#!/bin/sh'*) sh -n "$f" 2>&1 | sed "s|^|$f: |" ;;
		'#!/bin/bash'* | '#!/usr/bin/env bash'*) bash -n "$f" 2>&1 | sed "s|^|$f: |" ;;
		esac
	done
}
# where it was written is nobody's business: the checkout, the home folder
rule_no_file_names_this_machine() {
	set -- -e "${LINT_CHECKOUT:-$PWD}" -e '\.\./sha''red/' \
		-e '\(^\|[^[:alnum:]_.-]\)/wo''rk/' -e 'sha''red/\(DESIGN\|FACTS\|STYLE\|rig\)'
	case ${HOME:-/} in / | /root) ;; *) set -- "$@" -e "$HOME/" ;; esac
	all_files | tr '\n' '\0' | xargs -0 grep -InH "$@" || :
}

# ---- documents -----------------------------------------------------------------

rule_folders_say_what_belongs_there() {
	for dir in . tools providers certs tests docs; do
		[ -s "$dir/README.md" ] || echo "$dir/README.md is missing"
	done
}
rule_links_in_documents_lead_somewhere() {
	for f in $(all_files | grep '\.md$'); do
		grep -noE '\]\([^)#]+' "$f" | sed 's/\](/ /' |
			while read -r at target; do
				case $target in *://* | mailto:*) continue ;; esac
				[ -e "$(dirname "$f")/$target" ] ||
					echo "$f:$at no such file: $target"
			done
	done
}
# documents name tests as `tests/FILE: claim`; both must be there
rule_tests_that_documents_name_exist() {
	for f in $(all_files | grep '\.md$'); do
		grep -oE '`tests/[A-Za-z0-9_./-]+: [A-Za-z0-9_.-]+`' "$f" |
			tr -d '`' | while IFS=' ' read -r file claim; do
			file=${file%:}
			if [ ! -f "$file" ]; then
				echo "$f: no such file: $file"
			elif ! grep -qwe "$claim" "$file"; then
				echo "$f: $file has no $claim"
			fi
		done
	done
}
rule_manual_pages_are_well_formed() {
	command -v mandoc >/dev/null 2>&1 || {
		echo "mandoc is missing: run make deps"
		return
	}
	for f in docs/man/*.[1-9]; do
		[ ! -f "$f" ] || mandoc -T lint -W warning "$f" 2>&1 | head -n 20
	done
}
rule_every_program_has_its_page() {
	for dir in tools/*/; do
		name=$(basename "$dir")
		[ -f "docs/man/$name.1" ] || echo "docs/man/$name.1 is missing"
	done
	[ -f docs/man/quietus-closeout.5 ] ||
		echo "docs/man/quietus-closeout.5 is missing"
}

# ---- what was built ------------------------------------------------------------

# libraries PROGRAM: their names without versions
libraries() {
	readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\.so.*/\1/p'
}
built_verifier_and_audit_link_crypto_and_json_only() {
	for name in quietus-verify quietus-audit; do
		[ -x "$BIN/$name" ] || { echo "$BIN/$name is not built"; continue; }
		libraries "$BIN/$name" |
			grep -vxE 'libcrypto|libjansson|libc|ld-linux-.*' |
			sed "s/^/$name links /"
	done
}
built_verifier_and_audit_open_no_socket() {
	for name in quietus-verify quietus-audit; do
		[ ! -x "$BIN/$name" ] || nm -D --undefined-only "$BIN/$name" |
			grep -wE 'socket|connect|getaddrinfo|curl_[a-z_]+|sqlite3_[a-z_]+' |
			sed "s/^/$name calls /"
	done
}
built_programs_are_hardened() {
	for name in quietus quietus-verify quietus-audit; do
		[ -x "$BIN/$name" ] || { echo "$BIN/$name is not built"; continue; }
		readelf -h "$BIN/$name" | grep -q 'DYN' || echo "$name: not PIE"
		readelf -d "$BIN/$name" | grep -q 'NOW' || echo "$name: binds late"
		readelf -lW "$BIN/$name" | grep -q GNU_RELRO ||
			echo "$name: no RELRO"
		readelf -lW "$BIN/$name" | grep GNU_STACK | grep -q 'RWE' &&
			echo "$name: executable stack"
	done
}
built_programs_say_their_version() {
	for name in quietus quietus-verify quietus-audit; do
		case $name in quietus) how=version ;; *) how=--version ;; esac
		"$BIN/$name" $how 2>/dev/null | grep -q '[0-9]\.[0-9]' ||
			echo "$name $how does not say it"
	done
}
