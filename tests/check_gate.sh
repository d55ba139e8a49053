#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Does the gate let the program through as it is, and stop one whose tree walks
# go one level deeper?

B=${B:-build}
D=${DEDUPSIM:-$B/dedupsim}
base=bench/baseline.json
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export TMPDIR="$dir"
failed=0
complain() {
	echo "$1"
	failed=1
}

# As it is.
"$D" bench --exact --baseline $base gate >"$dir/clean" 2>&1
status=$?
if [ $status -ne 0 ]; then
	complain "a clean run: status $status; if the change is meant: make bench-baseline"
	cat "$dir/clean"
fi
grep -q '^baseline: [1-9][0-9]* compared, 0 findings' "$dir/clean" ||
	complain "a clean run said: $(tail -n 1 "$dir/clean")"

# One level deeper: each experiment that walks a tree is found, by its steps.
"$B/tests/gate/planted" bench --exact --baseline $base gate >"$dir/planted" 2>&1
status=$?
[ $status -eq 1 ] || complain "one level more per walk: status $status"
for label in unique half last8 same share256 crowded; do
	grep -qE "^exact visits/$label/4096/(un)?stable.steps: " "$dir/planted" ||
		complain "one level more per walk: nothing said of $label"
done
grep -q '^exact replay/.*stable.steps: ' "$dir/planted" ||
	complain "one level more per walk: nothing said of replays"
# So are the modelled cycles.
for label in unique last8 crowded; do
	grep -qE "^exact visits/$label/4096/cost.cycles: " "$dir/planted" ||
		complain "one level more per walk: no cycles more for $label"
done
# Only what changed is named: steps, and what follows from their cost.
steps='stable(_again)?\.(steps|walks)'
costs='cost\.(tree_walk_|per_mib_)?(high_|low_)?(ns|cycles)|cpu\.|run\.[a-z_]*_ns'
grep '^exact ' "$dir/planted" | grep -vE "$steps|/($costs)" &&
	complain "one level more per walk: that did not change"

# Another seed is another input: the gate is not blind.
"$D" bench --exact --seed 2 --baseline $base gate >/dev/null 2>&1
[ $? -eq 1 ] || complain "another seed passes"

# What is not a baseline is an error of one line, not a pass.
for text in '' '{' '[]' '{"schema": "x"}' \
	'{"schema": "dedupsim.bench/1", "exact": {"a/b": "1"}, "stable": {}}'; do
	printf '%s' "$text" >"$dir/broken"
	"$D" bench --exact --baseline "$dir/broken" --only visits/same gate \
		>/dev/null 2>"$dir/said"
	[ $? -eq 1 ] && [ "$(wc -l <"$dir/said")" -eq 1 ] ||
		complain "baseline $text: $(cat "$dir/said")"
done

# Twice the same is twice the same bytes.
for i in 1 2; do
	"$D" bench --exact --format baseline -o "$dir/$i" gate || failed=1
done
cmp "$dir/1" "$dir/2" || complain "two runs differ"

[ $failed -eq 0 ] || exit 1
echo "$(grep -c '^exact ' "$dir/planted") findings for one level more, 0 as it is"
