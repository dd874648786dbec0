package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNowNeverDecreases(t *testing.T) {
	c := NewClock()
	last := c.Now()
	if last < 0 {
		t.Fatalf("uptime %v", last)
	}
	for range 1000 {
		now := c.Now()
		if now < last {
			t.Fatalf("%v after %v", now, last)
		}
		last = now
	}
}

func TestWallHasNoMonotonicReading(t *testing.T) {
	if w := NewClock().Wall(); strings.Contains(w.String(), "m=") {
		t.Errorf("got %v", w)
	}
}

func TestBootID(t *testing.T) {
	if a, b := NewClock().Boot(), NewClock().Boot(); a != b {
		t.Errorf("two identifiers of one boot: %q and %q", a, b)
	}
	for _, c := range []struct{ name, text, want string }{
		{"as the kernel writes it", "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0\n", "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"},
		{"empty", "", ""},
		{"something else", "hello\n", ""},
		{"trailing text", "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0\nmore", ""},
		{"endless", strings.Repeat("0", 1<<20), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "boot_id")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := bootID(path); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if got := bootID("/nonexistent"); got != "" {
		t.Errorf("got %q for a missing file", got)
	}
}

func TestTrusted(t *testing.T) {
	set := floor
	defer func() { floor = set }()
	for _, c := range []struct {
		name, floor string
		want        bool
	}{
		{"built this year", firstLine, true},
		{"built after now", "2200-01-01T00:00:00Z", false},
		{"malformed floor", "yesterday", true},
	} {
		floor = c.floor
		clock := NewClock()
		if got := clock.Trusted(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		if clock.floor.Year() < 2026 {
			t.Errorf("%s: floor %v", c.name, clock.floor)
		}
	}
}

func TestSynchronisedIsKnownIfTrue(t *testing.T) {
	if yes, known := NewClock().Synchronised(); yes && !known {
		t.Error("synchronised but not known")
	}
}
