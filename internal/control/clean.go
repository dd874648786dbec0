package control

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// cleanJSON returns an answer whose texts contain only printable characters. Commands write them to a technician's terminal,
// and the process at the socket has fewer rights than root, who may have asked.
func cleanJSON(raw []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(cleanValue(v))
}

func cleanValue(v any) any {
	switch v := v.(type) {
	case string:
		return Clean(v)
	case []any:
		for i := range v {
			v[i] = cleanValue(v[i])
		}
	case map[string]any:
		clean := make(map[string]any, len(v))
		for name, value := range v {
			clean[Clean(name)] = cleanValue(value)
		}
		return clean
	}
	return v
}

// Clean returns text of the other end without characters that a terminal would obey. Line feeds stay.
func Clean(text string) string {
	return strings.Map(func(c rune) rune {
		if c != '\n' && !kiosk.Printable(c) {
			return -1
		}
		return c
	}, text)
}
