#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dedupsim scale: speed-up is below what is possible, mistakes get one clear line,
# equal seeds equal bytes.

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
	"$D" scale "$@" >"$dir/out" 2>"$dir/err" </dev/null
	got=$?
	if [ $got -ne "$status" ] || [ -s "$dir/out" ] ||
		[ "$(wc -l <"$dir/err")" -ne 1 ] ||
		! grep -qF -e "$words" "$dir/err"; then
		echo "dedupsim scale $*: status $got, not $status, or not" \
			"one line with \"$words\":"
		cat "$dir/out" "$dir/err"
		failed=1
	fi
}

refuse 2 '"0" is none of 1 to 1024' --cpus 1,0
refuse 2 '"" is none of 1 to 1024' --cpus 1,
refuse 2 '"2000" is none of 1 to 1024' --cpus 2000
refuse 2 '"1001" is none of 0 to 1000' --skew 1001
refuse 2 '--skew: more than 32' --skew "$(seq -s, 1 33)"
refuse 2 'which of them?' --skew 1 --workload first-byte
refuse 2 'did you mean "first-byte"?' --workload first-bite
refuse 2 'R9' --revision R9
refuse 2 'unknown processor "none"' --cpu none
refuse 2 'ops' --ops 1
refuse 1 "$dir/none" -n 100 -c 1 -s 1 --tsv "$dir/none/x"

run() {
	"$D" scale -n 2000 -c 1,3,16 -s 135,900 "$@" || failed=1
}
run --tsv "$dir/a.tsv" --json "$dir/a.json" >"$dir/a.txt"
run --tsv "$dir/b.tsv" --json "$dir/b.json" -j 3 >"$dir/b.txt"
for form in tsv json txt; do
	cases=$((cases + 1))
	cmp -s "$dir/a.$form" "$dir/b.$form" || {
		echo "one seed, two results ($form)"
		failed=1
	}
done
cases=$((cases + 2))
awk -F '\t' '/^#/ { next }
	!n++ { for (i = 1; i <= NF; i++) at[$i] = i; next }
	{ got = $at["speedup"]; most = $at["bound"]
	  if (got > most * 1.02 || got < 0.1 || most > $at["cpus"]) {
		print "line " NR ": " got " of " most; bad = 1 }
	  if ($at["cpus"] == 1 && got < 0.99) {
		print "line " NR ": one CPU, " got; bad = 1 } }
	END { if (n != 2 * 3 * 2 + 1) { print n " lines"; bad = 1 }
		exit bad }' "$dir/a.tsv" || failed=1
grep -q '^compressed  ' "$dir/a.txt" || {
	echo "no compressed pages in the table"
	failed=1
}
cases=$((cases + 1))
"$D" scale -q -c 2 -w filecache:units=4,cache=128KiB --tsv "$dir/w.tsv" &&
	grep -q '^filecache:units=4' "$dir/w.tsv" || failed=1

[ $failed -eq 0 ] || exit 1
echo "$cases cases of scale as they should be"
