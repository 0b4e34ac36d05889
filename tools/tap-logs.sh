#!/bin/sh
# tap-logs.sh
#	  Print the end of the logs of TAP tests that failed.
#
#	tap-logs.sh DIRECTORY
#
# One has failed if a point did, or if it has no plan because the file died.
# Since PostgreSQL 15 a line begins with the time and how long it took.

time='(\[[^]]*\](\([^)]*\))? *)?'
for log in "$1"/regress_log_*; do
	[ -e "$log" ] || continue
	if grep -qE "^${time}not ok " "$log" ||
		! grep -qE "^${time}1\.\.[0-9]" "$log"; then
		printf '# the end of %s:\n' "${log##*/}"
		tail -n 60 "$log"
	fi
done
