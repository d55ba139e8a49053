# SPDX-License-Identifier: GPL-2.0-or-later
# compare.awk - two TSV tables, column by column, rows found by key
#
#	awk -f compare.awk -v key="scenario step" -v skip="action" \
#	    -v left=kernel -v right=dedupsim -v groups=scenarios A B
#
# Prints a line per difference and the closing line; fails when there is one.
# Columns are those of A without the skipped ones; `groups` names what the
# first key column tells apart.  Lines that start with # are passed over.

BEGIN {
	FS = "\t"
	nkey = split(key, keys, " ")
	nskip = split(skip, skipped, " ")
	for (i = 1; i <= nskip; i++)
		ignore[skipped[i]] = 1
	for (i = 1; i <= nkey; i++)
		ignore[keys[i]] = 1
}

function row_key(    i, k)
{
	k = ""
	for (i = 1; i <= nkey; i++)
		k = k (i > 1 ? " " : "") keys[i] " " $(at[file, keys[i]])
	return k
}

function differ(where, what)
{
	print where ": " what
	differences++
}

FNR == 1 {
	file++
	header = 0
}

/^#/ || /^$/ {
	next
}

!header {
	header = 1
	ncol[file] = NF
	for (i = 1; i <= NF; i++) {
		name[file, i] = $i
		at[file, $i] = i
	}
	for (i = 1; i <= nkey; i++)
		if (!((file, keys[i]) in at)) {
			print "fidelity: " FILENAME ": no column " keys[i]
			broken = 1
			exit 1
		}
	next
}

file == 1 {
	k = row_key()
	order[++rows] = k
	kept[k] = $0
	if (!($(at[1, keys[1]]) in seen)) {
		seen[$(at[1, keys[1]])] = 1
		ngroups++
	}
	next
}

{
	k = row_key()
	if (!(k in kept)) {
		differ(k, "only " right " has this row")
		next
	}
	met[k] = 1
	split(kept[k], was, "\t")
	for (i = 1; i <= ncol[1]; i++) {
		c = name[1, i]
		if (c in ignore || !((2, c) in at))
			continue
		if (was[i] != $(at[2, c]))
			differ(k, c ": " left " " was[i] ", " right " " \
			       $(at[2, c]))
	}
}

END {
	if (broken)
		exit 1
	for (i = 1; i <= ncol[1]; i++)
		if (!(name[1, i] in ignore) && !((2, name[1, i]) in at))
			differ(name[1, i], right " has no such column")
	for (i = 1; i <= rows; i++)
		if (!(order[i] in met))
			differ(order[i], right " has no such row")
	printf "fidelity: %d rows of %d %s compared, %d differences\n", \
	       rows, ngroups, groups, differences
	exit differences || !rows ? 1 : 0
}
