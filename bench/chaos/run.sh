#!/bin/bash
# run.sh
#	  Interrupt runs at random on a private server; see README.md.
#
#	run.sh [--events N] [--seed N] [--cycles N] [--seconds N]
#	run.sh --operations [--kills N] [--seed N] [--seconds N]
#	run.sh --calls [--hits N] [--seed N] [--seconds N] [--only NAME,...]

set -eu
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=../../tools/cluster.sh
. "$ROOT/tools/cluster.sh"

driver=chaos.pl
if [ "${1:-}" = --operations ]; then
	driver=operations.pl
	shift
elif [ "${1:-}" = --calls ]; then
	driver=calls.pl
	shift
fi

clean_up_at_exit
new_cluster "fsync = off" "restart_after_crash = on" "max_connections = 40" \
	"jit = off"
as_user perl "$SOURCE/bench/chaos/$driver" --data "$DATA" \
	--bindir "$BINDIR" --socket "$PGHOST" --port "$PGPORT" "$@"
