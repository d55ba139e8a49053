#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Rows that a real kernel gave for tests/vectors/ksm-more.txt, counter by counter.

out=${B:-build}/ksm-more.tsv
"${DEDUPSIM:-$B/dedupsim}" scenario --paranoid -o "$out" \
	tests/vectors/ksm-more.txt || exit 1
grep -v '^#' tests/vectors/ksm-more-6.18.tsv | diff - "$out" || exit 1
rows=$(grep -vc '^#' tests/vectors/ksm-more-6.18.tsv)
[ "$rows" -gt 100 ] || exit 1
echo "$((rows - 1)) rows as the kernel gave them"
