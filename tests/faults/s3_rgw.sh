#!/bin/sh
# s3_rgw.sh [SERVER_TEST]: runs `SERVER_TEST disturb` (the program built from
# tests/unit/s3_server.c) against a radosgw of its own that admits four
# requests at once and is killed with -9 and started again all the time.
set -eu
test=${1:-${UNIT:?}/s3_server}
here=$(cd "$(dirname "$0")/../servers" && pwd)
dir=$(mktemp -d)
flag=$dir/go
killer=
finish() {
	rc=$?
	[ -z "$killer" ] || kill "$killer" 2>/dev/null || :
	[ -z "$killer" ] || wait "$killer" 2>/dev/null || :
	"$here/rgw-down" "$dir/rgw" || :
	rm -rf "$dir"
	exit $rc
}
trap finish EXIT
trap 'exit 1' INT TERM

RGW_CONF='rgw_max_concurrent_requests = 4' "$here/rgw-up" "$dir/rgw" \
	>/dev/null
set -a
. "$dir/rgw/env"
set +a
(
	kills=0
	while [ ! -e "$flag" ]; do sleep 0.1; done
	while [ -e "$flag" ]; do
		kill -KILL "$(cat "$dir/rgw/rgw.pid")"
		sleep 0.1
		"$here/rgw-up" --again "$dir/rgw"
		kills=$((kills + 1))
		echo $kills >"$dir/kills"
		sleep 1
	done
) &
killer=$!
S3_KILL_FLAG=$flag "$test" disturb
kills=$(cat "$dir/kills" 2>/dev/null || echo 0)
if [ "$kills" -ge 2 ]; then
	echo "ok s3_disturbed: the_gateway_was_killed_meanwhile ($kills times)"
else
	echo "not ok s3_disturbed: the_gateway_was_killed_meanwhile ($kills)"
	exit 1
fi
