package main

import (
	"strings"
	"sync"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/internal/words"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// drawnTitles are the titles that a screen may show in letters of pixels instead of text.
var drawnTitles = []screen.MessageID{
	screen.MsgIdentifyTitle, screen.MsgUserCodeTitle, screen.MsgApprovedTitle, screen.MsgClearing, screen.EndedTitle(kiosk.Cancelled),
}

// pixelWords returns each word of drawnTitles, in all languages, as rows of half blocks.
var pixelWords = sync.OnceValue(func() map[string][][]rune {
	all := map[string][][]rune{}
	for _, language := range words.Languages() {
		c, err := words.Open(language)
		if err != nil {
			panic(err)
		}
		for _, id := range drawnTitles {
			for _, word := range strings.Fields(c.Text(id)) {
				all[word] = drawWord(word)
			}
		}
	}
	return all
})

// drawWord returns a word as the rows of a headline.
func drawWord(word string) (rows [][]rune) {
	f := layout.Draw(screen.Screen{Title: word, Headline: word}, 160, 24, layout.Options{HalfBlocks: true, FullGlyphs: true})
	for y := range f.H {
		var row []rune
		inked := false
		for x := range f.W {
			c := f.At(x, y)
			inked = inked || c.Style == layout.Headline
			row = append(row, []rune(c.Text)...)
		}
		if inked {
			rows = append(rows, []rune(strings.TrimRight(string(row), " ")))
		}
	}
	return trimLeft(rows)
}

// trimLeft removes the columns before the first ink.
func trimLeft(rows [][]rune) [][]rune {
	left := 1 << 10
	for _, r := range rows {
		left = min(left, len(r)-len([]rune(strings.TrimLeft(string(r), " "))))
	}
	for i, r := range rows {
		rows[i] = r[min(left, len(r)):]
	}
	return rows
}

// headlines returns the titles that a picture shows in letters of pixels.
func headlines(picture string) string {
	if !strings.ContainsAny(picture, "▀▄") {
		return ""
	}
	all := grid(picture)
	var found []string
	for _, language := range words.Languages() {
		c, err := words.Open(language)
		if err != nil {
			panic(err)
		}
		for _, id := range drawnTitles {
			title := c.Text(id)
			every := true
			for _, word := range strings.Fields(title) {
				every = every && isDrawn(all, pixelWords()[word])
			}
			if every {
				found = append(found, title)
			}
		}
	}
	return strings.Join(found, " ")
}

// grid returns the characters of a picture by row and column.
func grid(picture string) (rows [][]rune) {
	for _, row := range strings.Split(picture, "\n") {
		rows = append(rows, []rune(row))
	}
	return rows
}

// isDrawn reports whether rows are somewhere in a grid.
func isDrawn(grid, rows [][]rune) bool {
	for y := 0; len(rows) > 0 && y+len(rows) <= len(grid); y++ {
		for x := range grid[y] {
			if matchesAt(grid, rows, x, y) {
				return true
			}
		}
	}
	return false
}

func matchesAt(grid, rows [][]rune, x, y int) bool {
	for dy, row := range rows {
		for dx, want := range row {
			got := ' '
			if x+dx < len(grid[y+dy]) {
				got = grid[y+dy][x+dx]
			}
			if got != want {
				return false
			}
		}
	}
	return true
}
