# SPDX-License-Identifier: GPL-2.0
#
# Draws one of the bench's plots. scripts/plot.py sets: data, a table with a column for each path
# under its name; out, the file; terminal; xaxis and yaxis, what is on the axes; xmax, the largest
# x; and logarithmic, whether y is.

set terminal @terminal
set output out
set key outside right center reverse Left noenhanced
set xlabel xaxis
set ylabel yaxis noenhanced
set grid
if (logarithmic) { set logscale y 10 } else { set yrange [0.8:*]; set ytics 0.1 }
if (xmax > 8) { set logscale x 2 } else { set xtics 1; if (logarithmic) { set logscale y 2 } }
if (xmax > 8192) { set format x "2^{%L}" } else { if (xmax > 8) { set xtics rotate by -45 } }

# The lines get thinner, so that of those that lie on each other all show.
stats data skip 1 nooutput
plot for [n = 2:STATS_columns] data using 1:n with linespoints \
	linewidth 1 + (STATS_columns - n) * 0.7 pointtype n title columnheader(n)
