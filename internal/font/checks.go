package font

import (
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Terminal describes a terminal and its font.
type Terminal struct {
	Columns, Rows int
	Characters    map[rune]bool // characters in the console's font; nil if this is no console, or it does not tell
	CapitalHeight float64       // height of a capital letter, as a fraction of a cell's; 0 if not known
}

// usualCapital is the CapitalHeight of Terminus, Debian's console font: 10 of 16 rows.
const usualCapital = 10.0 / 16

// ReadTerminal examines the terminal at path.
func ReadTerminal(path string) (t Terminal, err error) {
	c, err := OpenConsole(path)
	if err != nil {
		return t, err
	}
	defer c.Close()
	if t.Columns, t.Rows, err = c.Size(); err != nil {
		return t, err
	}
	t.Characters, _ = c.Characters()
	if f, err := c.Get(); err == nil {
		t.CapitalHeight = float64(f.CapitalRows()) / float64(f.Height)
	}
	return t, nil
}

// The smallest terminal that shows complete screens.
const minColumns, minRows = 40, 12

// CheckSize examines whether screens fit on the terminal.
func (t Terminal) CheckSize() check.Outcome {
	if t.Columns < minColumns || t.Rows < minRows {
		return check.Fail(kiosk.Misconfigured, fmt.Sprintf("the terminal has %dx%d cells; complete screens need %dx%d", t.Columns, t.Rows, minColumns, minRows),
			"load a smaller console font: KIOSK_FONT, or setfont")
	}
	return check.Pass("%dx%d cells", t.Columns, t.Rows)
}

// CheckCharacters examines whether the console's font has every character that screens use.
func (t Terminal) CheckCharacters() check.Outcome {
	if t.Characters == nil {
		return check.Skip("this is no Linux console: its font cannot be examined")
	}
	missing := missingFrom(func(r rune) bool { return t.Characters[r] })
	if len(missing) == 0 {
		return check.Pass("the console's font has all %d characters", len([]rune(RequiredCharacters)))
	}
	return check.Warn(fmt.Sprintf("the console's font lacks %d characters: %s", len(missing), string(missing[:min(len(missing), 20)])),
		"remove KIOSK_FONT, so that the kiosk loads a complete font, or name a complete one; apt-get install console-setup-linux has some")
}

// minAngle is the smallest viewing angle of a capital letter, in degrees (EN 301 549, section 5.1.4).
const minAngle = 0.7

// CheckLetterHeight examines whether letters can be read at a distance. Both lengths are in millimetres; a panelHeight
// of 0 is not known.
func (t Terminal) CheckLetterHeight(panelHeight float64, distance int) check.Outcome {
	if panelHeight <= 0 {
		return check.Skip("the display does not report its height: --panel-height-mm")
	}
	capital := t.CapitalHeight
	if capital == 0 {
		capital = usualCapital
	}
	height := panelHeight / float64(t.Rows) * capital
	angle := math.Atan(height/float64(distance)) * 180 / math.Pi
	text := fmt.Sprintf("capital letters are %.1f mm high: %.2f degrees at %d mm", height, angle, distance)
	if angle >= minAngle {
		return check.Pass("%s", text)
	}
	rows := int(panelHeight * capital / (math.Tan(minAngle*math.Pi/180) * float64(distance)))
	return check.Warn(fmt.Sprintf("%s, less than %.1f", text, minAngle),
		fmt.Sprintf("load a larger console font, for at most %d rows; screens need at least %d", rows, minRows))
}

// PanelHeight returns the height of the first connected display in millimetres, as its EDID reports it (byte 22, in
// centimetres); 0 if none does. sysfs is /sys, except in tests.
func PanelHeight(sysfs string) float64 {
	files, _ := filepath.Glob(filepath.Join(sysfs, "class/drm/*/edid"))
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && len(b) >= 128 && b[22] > 0 {
			return float64(b[22]) * 10
		}
	}
	return 0
}
