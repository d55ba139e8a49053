#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/fuzz/run.sh BUILD SECONDS PROGRAM...: fuzz with each program for so long.
# What is found goes to BUILD; the corpus in the source tree is only read.

B=$1
seconds=$2
shift 2
for p in "$@"; do
	name=${p##*/live_fuzz_}
	mkdir -p "$B/corpus/$name"
	echo "== $name, $seconds s"
	"$p" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix="$B/found-$name-" \
		"$B/corpus/$name" "tests/fuzz/corpus/$name" \
		2>"$B/fuzz-$name.log" || {
		tail -n 40 "$B/fuzz-$name.log"
		echo "fuzz $name: a finding; the input is $B/found-$name-..."
		exit 1
	}
	grep -E 'number_of_executed_units|peak_rss_mb' "$B/fuzz-$name.log"
done
