#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dedupsim trace info, cat, pack, verify, recover, as a user calls them.

D=${DEDUPSIM:-build/dedupsim}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
text=tests/fuzz/corpus/text/every.txt
cases=0
failed=0

# run STATUS WORDS ARGUMENT...: that exit status, and the words in what was said
run() {
	status=$1
	words=$2
	shift 2
	cases=$((cases + 1))
	"$D" trace "$@" >"$dir/out" 2>"$dir/err" </dev/null
	got=$?
	if [ $got -ne "$status" ] || ! { [ -z "$words" ] ||
		grep -qF -e "$words" "$dir/out" "$dir/err"; }; then
		echo "trace $*: status $got, not $status, or no \"$words\":"
		cat "$dir/out" "$dir/err"
		failed=1
	fi
}

# same FILE FILE
same() {
	cases=$((cases + 1))
	cmp "$1" "$2" || failed=1
}

run 0 '' pack $text "$dir/a.trace"
run 0 '' pack --level 19 --threads 3 "$dir/a.trace" "$dir/b.trace"
run 0 'good, 4 contents, 22 events' verify "$dir/b.trace"
run 0 'good, 4 contents, 22 events' verify $text
run 0 'made.by      a hand, for a start' info "$dir/a.trace"
run 0 'format       text 1.0' info $text
"$D" trace info "$dir/a.trace" | grep '^digest' >"$dir/digest.a"
"$D" trace info $text | grep '^digest' >"$dir/digest.text"
same "$dir/digest.a" "$dir/digest.text"

run 0 '4000000 mark' cat "$dir/a.trace"
cp "$dir/out" "$dir/a.txt"
run 0 '' cat --out "$dir/b.txt" "$dir/b.trace"
same "$dir/a.txt" "$dir/b.txt"
run 0 '' pack "$dir/a.txt" "$dir/c.trace"
same "$dir/a.trace" "$dir/c.trace"

run 0 '' make filecache:units=3,headers=3 "$dir/w.trace"
run 0 'good' verify "$dir/w.trace"
run 0 '' make --seed 2 filecache:units=3,headers=3 "$dir/w2.trace"
run 0 'good' verify "$dir/w2.trace"
run 2 'did you mean "filecache"?' make filecach "$dir/x.trace"
run 2 'WORKLOAD OUT' make filecache

head -c 400 "$dir/a.trace" >"$dir/t.part"
run 1 'offset 368: no footer' verify "$dir/t.part"
run 1 'rename the input first' recover "$dir/t.part" "$dir/t"
run 0 'whole up to offset' recover "$dir/t.part" "$dir/r.trace"
run 0 'good' verify "$dir/r.trace"
run 0 'nothing is missing' recover "$dir/a.trace" "$dir/r.trace"
same "$dir/a.trace" "$dir/r.trace"

run 1 "$dir/none" info "$dir/none"
run 1 'not a binary trace' recover $text "$dir/x.trace"
run 1 'back.txt:4: time goes back' pack tests/fuzz/corpus/text/back.txt \
	"$dir/x.trace"
run 1 'No space left' pack $text /dev/full
run 2 'IN OUT' pack $text
run 2 'level' pack --level 20 $text "$dir/x.trace"
cases=$((cases + 1))
if [ -e "$dir/x.trace" ] || [ -e "$dir/x.trace.part" ]; then
	echo "a command that failed left a file"
	failed=1
fi

echo "trace: $cases cases"
exit $failed
