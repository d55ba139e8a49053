#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Is the manual current and complete?

D=${DEDUPSIM:-build/dedupsim}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

"$D" docs --format markdown >"$dir/OPTIONS.md" || exit 1
diff -u docs/OPTIONS.md "$dir/OPTIONS.md" || {
	echo "docs/OPTIONS.md is not current: make docs"
	exit 1
}

# Every tunable that parses is in both forms.
"$D" docs --format man >"$dir/man" || exit 1
tunables=$("$D" list options | sed -n 's/^  \([a-z0-9_]*\) .*default.*/\1/p')
[ -n "$tunables" ] || exit 1
for t in $tunables; do
	grep -q "^| \`${t}[ \`]" "$dir/OPTIONS.md" || {
		echo "$t is not in the Markdown"
		exit 1
	}
	grep -q "^\.B $t" "$dir/man" || {
		echo "$t is not in the man page"
		exit 1
	}
done

# Does the page make sense to man, where there is one?
if command -v man >/dev/null; then
	LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "$dir/man" \
		2>&1 >/dev/null | grep . && exit 1
fi
echo "the manual is current"
