# SPDX-License-Identifier: GPL-2.0-or-later
# How all figures look: legible on paper and without colour.
set encoding utf8
set datafile separator "\t"
set datafile commentschars "#"
set border 3 lw 0.8 lc rgb "#444444"
set tics nomirror out scale 0.6
set grid ytics lw 0.5 lc rgb "#d0d0d0"
# Colours that differ in lightness, too; each has a mark and a dash of its own.
set style line 1 lc rgb "#808080" lw 1.6 dt 1 pt 4 ps 1.6
set style line 2 lc rgb "#c0392b" lw 1.8 dt (10,4) pt 8 ps 1.0
set style line 3 lc rgb "#1f4e9c" lw 2.2 dt 1 pt 7 ps 0.6
set style line 4 lc rgb "#000000" lw 1.2 dt (2,4) pt 6 ps 1.2
