# SPDX-License-Identifier: GPL-2.0-or-later
# awk -v header=H -v table=T -f models/presets.awk FILE...: the texts of files as a
# table in C, by name: `const T[] = {{NAME, TEXT}, …, {NULL, NULL}}`, T from H
BEGIN {
	print "/* made by models/presets.awk */"
	printf "#include <stddef.h>\n\n#include \"%s\"\n\n", header
	printf "const %s[] = {\n", table
}
FNR == 1 {
	if (NR > 1) print "\t},"
	name = FILENAME
	sub(/.*\//, "", name)
	sub(/\.[a-z]*$/, "", name)
	printf "\t{\"%s\",\n", name
}
{
	gsub(/\\/, "&&")
	gsub(/"/, "\\\"")
	printf "\t \"%s\\n\"\n", $0
}
END {
	if (NR) print "\t},"
	print "\t{NULL, NULL},\n};"
}
