#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dedupsim repro pageone-2017: a small copy of the benchmark gives every row a
# number, the same ones with any number of threads, and what must hold holds.

D=${DEDUPSIM:-build/dedupsim}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cases=0
failed=0

check() {
	cases=$((cases + 1))
	[ "$1" -eq 0 ] || { echo "$2"; failed=1; }
}

for scale in 0 3/4 1/3 1/0 1/8192 x; do
	"$D" repro pageone-2017 --scale $scale >"$dir/out" 2>"$dir/err"
	[ $? -eq 2 ] && [ ! -s "$dir/out" ] && [ "$(wc -l <"$dir/err")" -eq 1 ]
	check $? "--scale $scale is not refused in one line"
done
"$D" repro pageone-2017 --cpu e5-2650v5 >"$dir/out" 2>"$dir/err"
[ $? -ne 0 ] && [ "$(wc -l <"$dir/err")" -eq 1 ]
check $? "an unknown processor is not refused in one line"

"$D" repro pageone-2017 --scale 1/4096 -q --tsv "$dir/all.tsv"
check $? "a small copy does not run"
"$D" repro pageone-2017 --scale 1/4096 --rows published -j 1 -q --tsv "$dir/1.tsv"
"$D" repro pageone-2017 --scale 1/4096 --rows published -j 3 -q --tsv "$dir/3.tsv"
cmp -s "$dir/1.tsv" "$dir/3.tsv"
check $? "results depend on the number of threads"

# Columns: what ran, quantity, unit, published, expected, got, ratio, verdict.
awk -F'\t' '/^#/ || !head++ { next }
	$8 == "-" || $8 == "" { print "no number: " $1 ", " $2; bad = 1 }
	END { exit bad || head < 250 }' "$dir/all.tsv"
check $? "rows are missing, or have no number"
awk -F'\t' '$2 == "saved" || $2 == "merge_scans_before_first_insert" ||
	$2 ~ /^PageONE saved/ { n++; if ($10 != "within") { print; bad = 1 } }
	END { exit bad || n < 14 }' "$dir/all.tsv"
check $? "what is shared, or when, is not as it must be"
awk -F'\t' '$2 == "false_merges" { n++; sum += $8 } END { exit sum || !n }' \
	"$dir/all.tsv"
check $? "pages that differ were merged"

echo "repro pageone-2017: $cases cases"
exit $failed
