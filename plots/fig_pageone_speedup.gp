# SPDX-License-Identifier: GPL-2.0-or-later
# plot: How much faster PageONE and KSM are with several threads
# data: what `dedupsim repro pageone-2017 --rows speedup --tsv FILE` writes
# needs: variant quantity got
width = 8.5
height = 8
load "plots/style.gp"

# "speed_up 12": with 12 threads
is(name) = strcol("variant") eq name && \
	word(strcol("quantity"), 1) eq "speed_up"
x(name) = is(name) ? real(word(strcol("quantity"), 2)) : NaN

set xrange [0:25]
set yrange [0:25]
set xtics (1, 4, 8, 12, 16, 20, 24)
set ytics 4
set xlabel "threads"
set ylabel "times as fast as one"
set key at screen 0.5, 0.01 bottom center vertical maxrows 5
set bmargin 10.5
plot x with lines ls 4 title "as many times as threads", \
     data using (x("PageONE")):(column("got")) \
	with linespoints ls 3 title "PageONE, 48 guests", \
     data using (x("PageONE 12 guests")):(column("got")) \
	with linespoints ls 1 title "PageONE, 12 guests", \
     data using (x("PageONE counting for all")):(column("got")) \
	with linespoints ls 5 title "PageONE, 48 guests, counters shared by all", \
     data using (x("KSM with one lock")):(column("got")) \
	with linespoints ls 2 title "KSM, one lock for its trees"
