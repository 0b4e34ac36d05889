#!/bin/bash
# reference.sh
#	  Write doc/reference.md from the comments of the extension's objects.
#
#	reference.sh			write it
#	reference.sh --check	fail if it is not what would be written
#
# Environment: PG_CONFIG, the PostgreSQL to use.

set -eu
ROOT=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"

clean_up_at_exit
new_cluster >&2
as_user "$BINDIR/createdb" reference
as_user "$BINDIR/psql" -X -q -A -t -v ON_ERROR_STOP=1 -d reference \
	<"$ROOT/tools/reference.sql" >"$WORK/reference.md"

if [ "${1:-}" = --check ]; then
	diff -u "$ROOT/doc/reference.md" "$WORK/reference.md" ||
		fail "doc/reference.md is not current; run tools/reference.sh"
	say "doc/reference.md is current"
else
	cat "$WORK/reference.md" >"$ROOT/doc/reference.md"
	say "wrote doc/reference.md"
fi
