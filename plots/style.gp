# SPDX-License-Identifier: GPL-2.0-or-later
# How all figures look: 7 pt on paper, and legible without colour.  A figure says
# how large it is (width, height: cm), loads this, and plots.
if (!exists("format")) format = "svg"
if (!exists("out")) out = "figure"
if (!exists("width")) width = 8.5
if (!exists("height")) height = 6

# On screens twice as large as on paper; pictures of dots at 300 to the inch.
if (format eq "svg") {
	set terminal svg size int(width * 75.6), int(height * 75.6) noenhanced \
		font "Helvetica,18.5" name out background "#ffffff" \
		linewidth 1.6 fontscale 1
}
if (format eq "png") {
	set terminal pngcairo size int(width * 118.1), int(height * 118.1) \
		noenhanced font "Helvetica,29" background "#ffffff" \
		linewidth 2.6 pointscale 2.2
}
if (format eq "pdf") {
	set terminal pdfcairo size width cm, height cm noenhanced \
		font "Helvetica,7" linewidth 0.8 pointscale 0.5
}
if (format eq "tex") {
	set terminal cairolatex pdf size width cm, height cm input \
		font ",8" fontscale 0.8 linewidth 0.8 pointscale 0.5 blacktext
}
set output out.".".format

# What LaTeX would take for something else; label() is for words from data.
percent = format eq "tex" ? "\\%" : "%"
sign(c) = strstrt("_%&#$", c) ? "\\".c : strstrt("\\^~{}<>", c) ? "?" : c
signs(s) = strlen(s) ? sign(s[1:1]).signs(s[2:strlen(s)]) : ""
label(s) = format eq "tex" ? signs(s) : s

set encoding utf8
set datafile separator "\t"
set datafile commentschars "#"
# What is no number is passed over, and lines go on.
set datafile missing NaN
set datafile columnheaders
set border 3 lw 0.8 lc rgb "#444444"
set tics nomirror out scale 0.6
set grid ytics lw 0.5 dt 1 lc rgb "#d0d0d0"
set pointintervalbox 0
set key reverse Left samplen 2.5 spacing 1.05

# Colours that differ in lightness, too; each has a mark and a dash of its own.
set style line 1 lc rgb "#808080" lw 1.6 dt 1 pt 4 ps 1.2
set style line 2 lc rgb "#c0392b" lw 1.8 dt (10,4) pt 8 ps 0.9
set style line 3 lc rgb "#1f4e9c" lw 2.2 dt 1 pt 7 ps 0.5
set style line 4 lc rgb "#000000" lw 1.2 dt (2,4) pt 6 ps 1.0
set style line 5 lc rgb "#6fae3d" lw 1.8 dt (8,3,2,3) pt 10 ps 0.9

# Areas of a stack, in their order: no two are alike in grey, neighbours least.
array area[11] = ["#1f4e9c", "#cfdcf3", "#c0392b", "#f0b95a", "#2f6b2f", \
	"#e4efcc", "#303030", "#7a4b1e", "#8e44ad", "#ffffff", "#9a9a9a"]
array hatch[11] = [3, 3, 4, 3, 5, 3, 3, 7, 2, 3, 3]

# A round step between tics, for about four of them up to @top.
mantissa(x) = x / 10**floor(log10(x))
round_step(x) = 10**floor(log10(x)) * (mantissa(x) < 1.5 ? 1 : \
	mantissa(x) < 3.5 ? 2 : mantissa(x) < 7.5 ? 5 : 10)
step(top) = top > 0 ? round_step(top / 4.0) : 1
