# SPDX-License-Identifier: GPL-2.0
#
# Draws one of the bench's plots. scripts/bench.py sets: data, a table with a column for each path
# under its name; out, the file; term; xaxis and yaxis, what is on the axes; and xmax, the largest x.

set terminal @term
set output out
set key top left reverse Left
set xlabel xaxis
set ylabel yaxis
set logscale x 2
set logscale y 10
set grid
set format x "%.0f"
if (xmax > 8192) set format x "2^{%L}"
set for [i = 1:9] linetype i linewidth 2

stats data skip 1 nooutput
plot for [column = 2:STATS_columns] data using 1:column with linespoints title columnheader(column)
