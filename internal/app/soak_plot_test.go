package app

import (
	"fmt"
	"strings"
)

// plot draws the samples as SVG, with one band for each quantity.
func plot(all []sample) []byte {
	const w, h, left, gap = 900, 130, 90, 46
	bands := []struct {
		name, unit string
		scale      float64
		of         func(sample) float64
	}{
		{"heap after a collection", "MiB", 1 << 20, func(s sample) float64 { return float64(s.heap) }},
		{"the store's file", "MiB", 1 << 20, func(s sample) float64 { return float64(s.file) }},
		{"goroutines, including the server's", "", 1, func(s sample) float64 { return float64(s.goroutines) }},
		{"open files", "", 1, func(s sample) float64 { return float64(s.files) }},
	}
	last := all[len(all)-1]
	var b strings.Builder
	height := 60 + len(bands)*(h+gap)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="14">`+"\n", w+left+30, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#fff"/><text x="%d" y="30" font-size="18">%d visits with faults in one process, %.0f days of a shop</text>`+"\n", left, last.visits, last.days)
	for i, band := range bands {
		top := 60 + i*(h+gap)
		most := 0.0
		for _, s := range all {
			most = max(most, band.of(s)/band.scale)
		}
		peak := most
		most *= 1.15
		var line []string
		for _, s := range all {
			x := float64(left) + float64(s.visits)/float64(max(last.visits, 1))*w
			line = append(line, fmt.Sprintf("%.1f,%.1f", x, float64(top+h)-band.of(s)/band.scale/most*h))
		}
		fmt.Fprintf(&b, `<path d="M%d %dv%dh%d" fill="none" stroke="#999"/><text x="%d" y="%d" fill="#333">%s</text>`+"\n", left, top, h, w, left+8, top+8, band.name)
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%.3g %s</text><text x="%d" y="%d" text-anchor="end">0</text>`+"\n", left-8, top+22, peak, band.unit, left-8, top+h)
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="#0a58a6" stroke-width="2"/>`+"\n", strings.Join(line, " "))
	}
	for part := range 5 {
		n := last.visits * part / 4
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%d</text>`+"\n", left+w*part/4, height-22, n)
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}
