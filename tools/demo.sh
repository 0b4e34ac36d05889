#!/bin/bash
# demo.sh
#	  A tour of pgmigrate on a private server; "make demo".
#
#	demo.sh			run tools/demo/demo.sql and leave the server running
#	demo.sh once	run it and remove everything
#	demo.sh stop	remove the server that an earlier run has left; "make demo-stop"
#
# What was built is kept for the next time, in a directory that is named.
#
# Environment: PG_CONFIG, the PostgreSQL to use.

set -eu
ROOT=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"

# A fixed place, so that "stop" finds it.
PLACE=${TMPDIR:-/tmp}/pgmigrate-demo-$(id -u)
BUILD=${TMPDIR:-/tmp}/pgmigrate-build-$(id -u)
DATABASE=demo

# Stop and remove what an earlier run has left.  The directory stands where
# everybody may write: it must be our own.
remove_demo()
{
	if [ ! -e "$PLACE" ] && [ ! -L "$PLACE" ]; then
		return 1
	fi
	if [ -L "$PLACE" ] || [ ! -O "$PLACE" ]; then
		fail "\"$PLACE\" is not ours; please remove it"
	fi
	if [ -e "$PLACE/state" ]; then
		(
			# shellcheck source=/dev/null
			. "$PLACE/state"
			# RUN_USER may have no right to be where the caller is
			cd /
			stop_cluster
		)
	fi
	rm -rf "$PLACE"
	say "removed the demo in $PLACE"
}

# How does the caller, not RUN_USER, reach the server?
psql_command()
{
	local command="$BINDIR/psql -h $PGHOST -p $PGPORT -U $PGUSER $DATABASE"

	if [ "$(id -u)" -eq 0 ] && [ -n "${SUDO_USER:-}" ]; then
		command="sudo $command"
	fi
	echo "$command"
}

# Two at a time would pull the server from under each other.
lock_demo()
{
	[ ! -L "$PLACE.lock" ] || fail "\"$PLACE.lock\" is not ours; please remove it"
	exec 9>"$PLACE.lock"
	flock -n 9 || fail "another \"make demo\" of yours is at work"
}

if [ "${1:-}" = stop ]; then
	lock_demo
	if ! remove_demo; then
		say "there is no demo of $(id -un) to stop"
		for other in "${TMPDIR:-/tmp}"/pgmigrate-demo-*/; do
			[ ! -e "$other" ] || say "but one of $(stat -c %U "$other"), who can stop it"
		done
	fi
	if [ -e "$BUILD" ]; then
		say "kept for the next demo: $BUILD"
	fi
	exit 0
fi

clean_up_at_exit
need_packages
if [ "${1:-}" = once ]; then
	work_area
	private_tree
	copy_source
	build_install
else
	lock_demo
	remove_demo || true
	# nobody debugs a demo, and this takes a third off the time
	build_kept "$BUILD" COPT='-O1 -g0'
	work_area "$PLACE"
fi
start_cluster 9>&-
printf '%s=%q\n' WORK "$WORK" DATA "$DATA" BINDIR "$BINDIR" \
	RUN_USER "$RUN_USER" RUN_GROUP "$RUN_GROUP" \
	LD_LIBRARY_PATH "${LD_LIBRARY_PATH:-}" >"$WORK/state"

as_user "$BINDIR/createdb" "$DATABASE"
# by standard input, so that messages do not begin with the file's path
as_user "$BINDIR/psql" -X -q -v ON_ERROR_STOP=1 -P pager=off \
	-P format=wrapped -P columns=100 -d "$DATABASE" \
	<"$ROOT/tools/demo/demo.sql"

if [ "${1:-}" != once ]; then
	trap - EXIT INT TERM HUP
	echo
	say "The server keeps running.  To look around:"
	echo "    $(psql_command)"
	say "To stop and remove it:"
	echo "    ${SUDO_USER:+sudo }make demo-stop"
fi
