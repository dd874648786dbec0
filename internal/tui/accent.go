package tui

import (
	"fmt"
	"image/color"
	"math"
)

// leastContrast is the contrast that every text has on its background (WCAG 2.2, 1.4.6).
const leastContrast = 7

// CheckAccent reads an accent colour in the form "#rrggbb" and checks that a theme can use it; see WithAccent.
func CheckAccent(theme, text string) (color.RGBA, error) {
	th, err := themeNamed(theme)
	if err != nil {
		return color.RGBA{}, err
	}
	accent, err := ParseColour(text)
	if err == nil {
		_, err = th.palette.WithAccent(accent)
	}
	return accent, err
}

// WithAccent returns the palette with another accent colour. The colour must have a contrast of 7:1 on both
// backgrounds of the theme; the error names the nearest colour that has.
func (p Palette) WithAccent(accent color.RGBA) (Palette, error) {
	accent.A = 255
	if !p.carries(accent) {
		return p, fmt.Errorf("%s is not readable on this theme; the nearest colour that is: %s", hexOf(accent), hexOf(p.nearest(accent)))
	}
	p[roles["accent"]] = accent
	return p, nil
}

// carries reports whether a colour is readable on both backgrounds.
func (p Palette) carries(c color.RGBA) bool {
	return contrast(c, p[roles["ground"]]) >= leastContrast && contrast(c, p[roles["surface"]]) >= leastContrast
}

// nearest mixes a colour with white or black until the backgrounds carry it. Steps of a hundredth cannot be told apart.
func (p Palette) nearest(c color.RGBA) color.RGBA {
	end := color.RGBA{255, 255, 255, 255}
	if luminance(p[roles["ground"]]) > luminance(p[roles["text"]]) {
		end = color.RGBA{A: 255}
	}
	const steps = 100
	for i := 1; i < steps; i++ {
		if mixed := mix(c, end, float64(i)/steps); p.carries(mixed) {
			return mixed
		}
	}
	return end
}

// mix returns the colour at part of the way from a to b.
func mix(a, b color.RGBA, part float64) color.RGBA {
	at := func(x, y uint8) uint8 { return uint8(math.Round(float64(x) + (float64(y)-float64(x))*part)) }
	return color.RGBA{at(a.R, b.R), at(a.G, b.G), at(a.B, b.B), 255}
}

// contrast returns the contrast of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio").
func contrast(a, b color.RGBA) float64 {
	p, q := luminance(a), luminance(b)
	return (max(p, q) + 0.05) / (min(p, q) + 0.05)
}

// luminance returns the relative luminance (WCAG 2.2, "relative luminance").
func luminance(c color.RGBA) float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

func hexOf(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }
