# SPDX-License-Identifier: GPL-2.0-or-later
# plot: Cycles per line against the size of an array of zeros that is read
# data: what `dedupsim colour -m z13,r4400sc --tsv FILE` writes
# needs: machine bytes case steady_per_line
# column: machine 1 machine
# column: bytes 1024 KiB
# column: case 1 case
# column: frames 1 frames
# column: cold_per_line 1 cycles per line, cold
# column: steady_per_line 1 steady
width = 17.4
height = 9.2
load "plots/style.gp"

machines = "z13 r4400sc"
titles = "'IBM z13, lines of 256 bytes' 'MIPS R4400SC, lines of 32 bytes'"

# one case of one machine, when it was read before; sizes in KiB
is(m, c) = strcol("machine") eq m && strcol("case") eq c
kib(m, c) = is(m, c) ? column("bytes") / 1024 : NaN

set logscale x 2
set logscale y 10
set xrange [3.2:165000]
set yrange [1.5:300]
set xtics ("4 KiB" 4, "64 KiB" 64, "1 MiB" 1024, "16 MiB" 16384)
set ytics (2, 5, 10, 20, 50, 100, 200)
set xlabel "size of the array" offset 0,0.3
set key at screen 0.53,0.01 center bottom vertical maxrows 2 samplen 3 width 2

set multiplot layout 1,2 margins 0.09,0.985,0.26,0.92 spacing 0.07
do for [i=1:2] {
	m = word(machines, i)
	set title word(titles, i) offset 0,-0.5
	if (i == 1) {
		set ylabel "cycles per line" offset 1.2,0
		set key on
	} else {
		unset ylabel
		set key off
	}
	plot data using (kib(m, "private")):"steady_per_line" \
			with linespoints ls 1 title "private pages", \
		data using (kib(m, "ksm")):"steady_per_line" \
			with linespoints ls 2 title "one KSM page", \
		data using (kib(m, "coloured")):"steady_per_line" \
			with linespoints ls 3 title "coloured zero pages", \
		data using (kib(m, "ksm_uzp")):"steady_per_line" \
			with linespoints ls 4 title "KSM with use of zero pages"
}
unset multiplot
