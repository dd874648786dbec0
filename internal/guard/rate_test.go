package guard

import (
	"testing"
	"time"
)

func TestParseRate(t *testing.T) {
	for _, c := range []struct {
		text string
		want Rate
		back string
	}{
		{"3/10m", Rate{3, 10 * time.Minute}, "3/10m"},
		{"30/10m", Rate{30, 10 * time.Minute}, "30/10m"},
		{"1/1s", Rate{1, time.Second}, "1/1s"},
		{"1000/24h", Rate{1000, 24 * time.Hour}, "1000/24h"},
		{"5/90s", Rate{5, 90 * time.Second}, "5/1m30s"},
		{"5/1h30m", Rate{5, 90 * time.Minute}, "5/1h30m"},
	} {
		got, err := ParseRate(c.text)
		if err != nil || got != c.want || got.String() != c.back {
			t.Errorf("%s: %v (%q), %v", c.text, got, got, err)
		}
	}
	for _, bad := range []string{"", "3", "/", "3/", "/10m", "0/10m", "-1/10m", "1001/10m", "3/0s", "3/999ms", "3/25h", "3/10", "3/10m/1", "three/10m", "3 / 10m", "+3/10m", "99999999999999999999/10m"} {
		if r, err := ParseRate(bad); err == nil {
			t.Errorf("%q was taken as %v", bad, r)
		}
	}
}

func FuzzParseRate(f *testing.F) {
	for _, s := range []string{"3/10m", "1000/24h", "5/1h0m30s", "1/1.5s", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRate(s)
		if err != nil {
			return
		}
		if back, err := ParseRate(r.String()); err != nil || back != r {
			t.Errorf("%q became %v, which became %v, %v", s, r, back, err)
		}
	})
}
