#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/determinism.sh TRACE PROGRAM...: every program, at 1 and 2 threads, with
# clean and with poisoned memory, must write the same result files.

trace=$1
shift
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
runs=0
for engine in none oracle ksm zram; do
	for program in "$@"; do
		for threads in 1 2; do
			for poison in 0 165; do
				MALLOC_PERTURB_=$poison "$program" --engine $engine \
					--trace "$trace" --threads $threads \
					--json "$dir/json" --tsv "$dir/tsv" \
					--timeline "$dir/timeline" \
					>"$dir/text" 2>&1 || {
					cat "$dir/text"
					exit 1
				}
				for f in json tsv timeline text; do
					[ -e "$dir/$engine.$f" ] ||
						mv "$dir/$f" "$dir/$engine.$f"
					[ ! -e "$dir/$f" ] ||
						cmp "$dir/$f" "$dir/$engine.$f" || {
						echo "determinism: $program, engine" \
							"$engine, $threads threads," \
							"MALLOC_PERTURB_=$poison:" \
							"$f differs"
						exit 1
					}
				done
				runs=$((runs + 1))
			done
		done
	done
done
[ $runs -gt 0 ] || exit 1
echo "determinism: $runs runs, same bytes"
