#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Does the include check catch what it is there for?

awk_file=$(pwd)/tests/floors.awk
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" && mkdir -p sim/base sim/core sim/engine/big traces models tests ||
	exit 1
failed=0
cases=0

# plant FILE INCLUDE WORDS: the include must be refused with these words;
# empty words: it must be accepted
plant() {
	cases=$((cases + 1))
	printf '#include <stdio.h>\n#include "%s"\n' "$2" >"$1"
	said=$(awk -f "$awk_file" "$1" 2>&1)
	status=$?
	if [ -z "$3" ] && [ $status -eq 0 ] && [ -z "$said" ]; then
		return
	fi
	case "$status $said" in
	"1 $1:2: includes \"$2\": ${3:-never}"*) return ;;
	esac
	printf '%s including %s: status %s, said "%s"\n' "$1" "$2" $status "$said"
	failed=1
}

plant sim/base/a.c sim/core/event.h 'goes up'
plant sim/base/a.h sim/engine/engine.h 'goes up'
plant sim/core/a.c tests/support/main.h 'goes up'
plant sim/core/a.c sim/main.c 'goes up'
plant traces/a.c models/cost.h 'goes sideways'
plant sim/engine/ksm.c sim/engine/oracle.h 'engines do not know'
plant sim/engine/big/a.c sim/engine/ksm.h 'engines do not know'
plant sim/engine/ksm.c models/cost.h 'engines count'
plant sim/engine/ksm.c engine.h 'not a path from the root'
plant sim/engine/ksm.c ../core/event.h 'not a path from the root'
plant sim/engine/ksm.c sim/engine/ksm_tree.h ''
plant sim/engine/big/a.c sim/engine/big/tree.h ''
plant sim/engine/engine.c sim/engine/engines.def ''
plant sim/engine/ksm.c sim/engine/engine.h ''
plant sim/engine/ksm.c models/layout.h ''
plant sim/core/a.c sim/base/bits.h ''
plant tests/a.c sim/core/event.h ''

[ $failed -eq 0 ] || exit 1
echo "$cases includes judged rightly"
