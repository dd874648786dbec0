package control

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// FuzzCleanJSON: whatever the other end answers, no text or name in it contains a character that a terminal would obey.
func FuzzCleanJSON(f *testing.F) {
	f.Add([]byte(`{"site":"A\u001b[2J\u009b1m\u202e","visits":{"ended":{"\u0007":1e400}},"health":[null,true,"\ud800"]}`))
	f.Add([]byte(`[[[[["\u200f"]]]]]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		clean, err := cleanJSON(raw)
		if err != nil {
			return
		}
		d := json.NewDecoder(strings.NewReader(string(clean)))
		for {
			token, err := d.Token()
			if err != nil {
				break
			}
			text, _ := token.(string)
			if strings.ContainsFunc(text, func(c rune) bool { return c != '\n' && !kiosk.Printable(c) }) {
				t.Errorf("%q of %q", text, raw)
			}
		}
		if _, err := cleanJSON(clean); err != nil {
			t.Errorf("%q is no JSON: %v", clean, err)
		}
	})
}
