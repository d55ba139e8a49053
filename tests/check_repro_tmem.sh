#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dedupsim repro tmem-2010: small trees give every row, inputs are named first,
# equal inputs equal bytes, mistakes get one line.

D=${DEDUPSIM:-build/dedupsim}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cases=0
failed=0

refuse() {
	status=$1
	words=$2
	shift 2
	cases=$((cases + 1))
	"$D" repro tmem-2010 "$@" >"$dir/out" 2>"$dir/err" </dev/null
	got=$?
	if [ $got -ne "$status" ] ||
		[ "$(wc -l <"$dir/err")" -ne 1 ] ||
		! grep -qF -e "$words" "$dir/err"; then
		echo "tmem-2010 $*: status $got, not $status, or not" \
			"one line with \"$words\":"
		cat "$dir/out" "$dir/err"
		failed=1
	fi
}
refuse 2 'scale: 0 is out of range' --scale 0
refuse 2 'unknown processor "none"' --cpu none
refuse 1 "$dir/none: No such file" --tree "$dir/none"
mkdir "$dir/empty"
refuse 2 'no sources or headers of C' --tree "$dir/empty"
refuse 1 "$dir/none/x" --scale 100 --tsv "$dir/none/x"

run() {
	"$D" repro tmem-2010 --scale 20 "$@" || failed=1
}
run --tsv "$dir/a.tsv" --json "$dir/a.json" >"$dir/a.txt"
run --tsv "$dir/b.tsv" --json "$dir/b.json" -j 3 >"$dir/b.txt"
for form in tsv json txt; do
	cases=$((cases + 1))
	cmp -s "$dir/a.$form" "$dir/b.$form" || {
		echo "the same inputs, two results ($form)"
		failed=1
	}
done
cases=$((cases + 1))
[ "$(grep -n '^  tree A ' "$dir/a.txt" | cut -d: -f1)" -lt \
	"$(grep -n '^what ran' "$dir/a.txt" | cut -d: -f1)" ] || {
	echo "inputs are not named before results"
	failed=1
}
cases=$((cases + 1))
awk -F '\t' '/^#/ { next }
	!n++ { next }
	NF != 10 { print "line " NR " has " NF " fields"; bad = 1 }
	$8 == "-" { print $1 ": no " $2; bad = 1 }
	{ got[$1, $2] = $8; seen[$1] }
	$2 ~ /^dedup_ratio/ && ($8 < 1 || $8 > 2.5) { print $1, $2, $8; bad = 1 }
	END { if (n != 2 * 2 * 10 + 1) { print n " lines"; bad = 1 }
		for (v in seen) {
			if (got[v, "tmem_time"] != 0.1) {
				print v ": " got[v, "tmem_time"]; bad = 1 }
			if (got[v, "tmem_time_dedup"] <= 0.1 ||
			    got[v, "tmem_time_compressed"] <= 0.2) {
				print v ": sharing costs nothing"; bad = 1 }
			low = got[v, "dedup_ratio_lowest"]
			high = got[v, "dedup_ratio_highest"]
			mean = got[v, "dedup_ratio_mean"]
			if (low > mean || mean > high) {
				print v ": " low, mean, high; bad = 1 } }
		exit bad }' "$dir/a.tsv" || failed=1

# A tree of files.
mkdir -p "$dir/tree/include"
i=0
while [ $i -lt 30 ]; do
	{
		echo '#include <one.h>'
		seq $i $((i + 3000))
	} >"$dir/tree/u$i.c"
	i=$((i + 1))
done
seq 1 5000 >"$dir/tree/include/one.h"
cases=$((cases + 1))
"$D" repro tmem-2010 --scale 20 --tree "$dir/tree" -q --tsv "$dir/t.tsv" &&
	[ "$(grep -c '^given tree' "$dir/t.tsv")" -eq 20 ] || {
	echo "--tree fails"
	failed=1
}

[ $failed -eq 0 ] || exit 1
echo "$cases cases of tmem-2010 as they should be"
