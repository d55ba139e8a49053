# SPDX-License-Identifier: GPL-2.0-or-later
# awk -f models/presets.awk FILE.conf... : the files as a table in C, by name
BEGIN {
	print "/* made by models/presets.awk */"
	print "#include \"models/cache.h\"\n"
	print "const struct cache_preset cache_presets[] = {"
}
FNR == 1 {
	if (NR > 1) print "\t},"
	name = FILENAME
	sub(/.*\//, "", name)
	sub(/\.conf$/, "", name)
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
