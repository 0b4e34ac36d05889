#!/bin/sh
# tap-logs.sh
#	  Print what failed in TAP tests, and the end of their logs.
#
#	tap-logs.sh DIRECTORY [points]		points: without the ends of the logs
#
# A test has failed if a point of it did, or if it has no plan because the file
# died.  Since PostgreSQL 15 a line begins with the time and how long it took.

time='(\[[^]]*\](\([^)]*\))? *)?'

# The points that failed, each with at most 12 lines of what Test::More says
# of it, which are indented or go on without a time; 40 lines in all.  Of a
# file that died, its last words.
points()
{
	awk -v time="^$time" '
	{ line = $0; sub(time, "", line); timed = line != $0; line = substr(line, 1, 300) }
	line ~ /^not ok / { point = 12; n++; print line; next }
	line ~ /^1\.\.[0-9]/ { plan = 1 }
	timed && line != "" && line !~ /^#   / || line ~ /^ok / { point = 0 }
	point > 0 && line ~ /^#/ { point--; n++; print line }
	line != "" { last[++lines] = line }
	n >= 40 { plan = 1; exit }
	END {
		if (!plan)
			for (i = lines > 3 ? lines - 2 : 1; i <= lines; i++)
				print "# it died: " last[i]
	}' "$1"
}

for log in "$1"/regress_log_*; do
	[ -e "$log" ] || continue
	if grep -qE "^${time}not ok " "$log" ||
		! grep -qE "^${time}1\.\.[0-9]" "$log"; then
		printf '# what failed in %s:\n' "${log##*/regress_log_}"
		points "$log"
		[ $# -eq 1 ] || continue
		printf '# the end of %s:\n' "${log##*/}"
		tail -n 60 "$log"
	fi
done
