#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dedupsim reclaim: mistakes get one clear line, equal seeds equal bytes.

D=${DEDUPSIM:-build/dedupsim}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cases=0
failed=0

# refuse STATUS WORDS ARGUMENT...: one line on stderr, nothing on stdout
refuse() {
	status=$1
	words=$2
	shift 2
	cases=$((cases + 1))
	"$D" reclaim "$@" >"$dir/out" 2>"$dir/err" </dev/null
	got=$?
	if [ $got -ne "$status" ] || [ -s "$dir/out" ] ||
		[ "$(wc -l <"$dir/err")" -ne 1 ] ||
		! grep -qF -e "$words" "$dir/err"; then
		echo "dedupsim reclaim $*: status $got, not $status, or not" \
			"one line with \"$words\":"
		cat "$dir/out" "$dir/err"
		failed=1
	fi
}

# same FILE FILE WHAT
same() {
	cases=$((cases + 1))
	cmp -s "$1" "$2" || { echo "$3"; failed=1; }
}

refuse 2 'did you mean "zsmalloc"?' --pool zsmaloc
refuse 2 'did you mean "z3fold"?' --pool zbud,z3fld
refuse 2 'no pool ""' --pool zbud,
refuse 2 '"9" is not one of 3.3' --pool zsmalloc:generation=9
refuse 2 'is not KEY=VALUE' --pool zsmalloc:chain
refuse 2 'is not KEY=VALUE' --pool zsmalloc:chain:x=8
refuse 2 'that is what --policy says' --pool zsmalloc:victim=oldest
refuse 2 'zbud: no options: chain=8' --pool zbud:chain=8
refuse 2 '5000 bytes are more than a page' --sizes fixed:5000
refuse 2 '4097 bytes are more than a page' --sizes uniform:1,4097
refuse 2 'no codec "lz5"' --sizes trace:x.trace:lz5
refuse 1 "$dir/none" --sizes "trace:$dir/none"
refuse 1 'not a trace' --sizes trace:Makefile
for share in 0% 100.001% 1e3% -1% '' 1%,,2% 0.0001% x; do
	refuse 2 "is not a share of the frames" --free="$share"
done
refuse 2 'did you mean "oldest-object"?' --policy oldest-objct
refuse 1 'gives no pages back by itself' -p xvmalloc --policy oldest-zspage
refuse 1 'the limit of 1.0 MiB is below what is stored: 20000 objects take' \
	--limit 1MiB
refuse 2 '5 bytes are less than a page' --limit 5
refuse 1 'hardly an object fits' -p zbud -s fixed:4090
refuse 2 'objects: 0 is out of range' --objects 0
refuse 2 'file' file

run() {
	"$D" reclaim -n 3000 -s normal:1500,400 -s uniform:1,4096 --compact \
		-p zsmalloc:generation=6.1,zbud,z3fold,xvmalloc,zcache-zbud \
		--free 12.5%,1%,1% --paranoid "$@"
}
run --tsv "$dir/a.tsv" --json "$dir/a.json" >"$dir/a.txt" || failed=1
run --tsv "$dir/b.tsv" --json "$dir/b.json" >"$dir/b.txt" || failed=1
run --seed 2 --tsv "$dir/c.tsv" -q >"$dir/c.txt" || failed=1
for form in tsv json txt; do
	same "$dir/a.$form" "$dir/b.$form" "one seed, two results ($form)"
done
cases=$((cases + 4))
if cmp -s "$dir/a.tsv" "$dir/c.tsv" || [ -s "$dir/c.txt" ]; then
	echo "two seeds, one result; or -q is not quiet"
	failed=1
fi
# Two sizes; 6 + 2 + 2 + 1 + 2 ways; two shares, in ascending order.
awk -F '\t' '/^#/ { next }
	!n++ { next }
	NF != 26 { print "line " NR " has " NF " fields"; bad = 1 }
	$5 != (n % 2 ? "12.5%" : "1%") { print "line " NR ": " $5; bad = 1 }
	$19 != "yes" { print "line " NR " was not reached"; bad = 1 }
	END { if (n != 2 * 13 * 2 + 1) { print n " lines"; bad = 1 }
		exit bad }' "$dir/a.tsv" || failed=1
if ! grep -q '"schema": "dedupsim.reclaim/1"' "$dir/a.json" ||
	[ "$(grep -c '"age_error": [0-9]' "$dir/a.json")" -ne 52 ]; then
	echo "not such JSON"
	failed=1
fi
trace=traces/samples/guests.trace
for j in 1 3; do
	"$D" reclaim -n 2000 -s trace:$trace:lz4 -p zbud -j $j --tsv - \
		>"$dir/j$j" || failed=1
done
same "$dir/j1" "$dir/j3" "results depend on threads"
if ! grep -q '^trace:guests.trace:lz4	zbud' "$dir/j1"; then
	echo "a trace is not named without its directory"
	failed=1
fi

[ $failed -eq 0 ] || exit 1
echo "$cases cases of reclaim as they should be"
