#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What every file of the tree owes: a licence line first, no trailing blanks, a
# last newline, and links that lead somewhere.

failed=0
complain() {
	echo "$1"
	failed=1
}

n=0
for f in $(find sim traces workloads models tests bench .ci -type f \( -name '*.[ch]' \
	-o -name '*.def' -o -name '*.awk' -o -name '*.sh' \) 2>/dev/null |
	sort); do
	n=$((n + 1))
	head -n 2 "$f" | grep -q 'SPDX-License-Identifier: GPL-2.0-or-later' ||
		complain "$f: no SPDX line"
	grep -n '[[:blank:]]$' "$f" && complain "$f: trailing blanks"
	[ -z "$(tail -c 1 "$f")" ] || complain "$f: no newline at the end"
done
[ $n -gt 50 ] || complain "only $n files found: run from the top of the tree"

for md in *.md sim/engine/*.md traces/*.md docs/*.md; do
	[ -e "$md" ] || continue
	for to in $(grep -o '](\([^)#]*\)' "$md" | cut -c 3-); do
		case $to in
		*://*) ;;
		*) [ -e "$(dirname "$md")/$to" ] ||
			complain "$md: links to $to, which is not there" ;;
		esac
	done
done
for md in ARCHITECTURE.md sim/engine/README.md; do
	for p in $(grep -o '`[a-z0-9_]*/[a-z0-9_./]*`' $md | tr -d '`'); do
		[ -e "$p" ] || complain "$md: names $p, which is not there"
	done
done
# Sources are cited by keys that REFERENCES.md explains.
for key in $(grep -rhoE --include='*.[ch]' '\[(linux|xen)-[0-9.]+\]|\[(clrs|xxhash|zstd|lookup3|splitmix64|xoshiro|crc32c|gpl|rfc[0-9]+)\]' \
	sim traces models 2>/dev/null | sort -u); do
	grep -qF "$key" REFERENCES.md ||
		complain "REFERENCES.md: $key is cited and not explained"
done

[ $failed -eq 0 ] || exit 1
echo "$n files are in order"
