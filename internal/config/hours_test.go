package config

import (
	"strings"
	"testing"
	"time"
)

// TestHours: a shop with a break at noon, a bar that closes after midnight, a lobby that is always open.
func TestHours(t *testing.T) {
	const (
		shop = "Mo-Fr 08:00-12:00, Mo-Fr 13:00-20:00; Sa 09:00-18:00"
		bar  = "Fr-Sa 22:00-02:00"
	)
	for _, c := range []struct{ hours, at, opens string }{ // opens is empty if the hours are open
		{"", "Sun 03:00", ""},
		{shop, "Mon 07:59", "Mon 08:00"},
		{shop, "Mon 08:00", ""},
		{shop, "Mon 11:59", ""},
		{shop, "Mon 12:00", "Mon 13:00"},
		{shop, "Fri 20:00", "Sat 09:00"},
		{shop, "Sat 17:59", ""},
		{shop, "Sat 18:00", "Mon 08:00"},
		{shop, "Sun 12:00", "Mon 08:00"},
		{bar, "Fri 21:59", "Fri 22:00"},
		{bar, "Sat 01:59", ""},
		{bar, "Sat 02:00", "Sat 22:00"},
		{bar, "Sun 01:00", ""},
		{bar, "Sun 02:00", "Fri 22:00"},
		{"Sa-Mo 10:00-11:00", "Mon 10:30", ""}, // across the end of the week
		{"Sa-Mo 10:00-11:00", "Tue 10:30", "Sat 10:00"},
		{"We 10:00-11:00", "Wed 12:00", "Wed 10:00"}, // in a week
		{"08:00-24:00", "Sun 23:59", ""},
		{"08:00-24:00", "Sun 00:00", "Sun 08:00"},
		{"Mo-Su 00:00-24:00", "Tue 00:00", ""},
		{"00:00-00:00", "Tue 13:00", ""},
	} {
		h, err := ParseHours(c.hours)
		if err != nil && c.hours != "" {
			t.Errorf("%s: %v", c.hours, err)
			continue
		}
		at := timeInWeek(t, c.at)
		next := h.NextOpening(at)
		if h.IsOpen(at) != (c.opens == "") || next.IsZero() != (c.opens == "") {
			t.Errorf("%s, on %s: open %v, opens %v", c.hours, c.at, h.IsOpen(at), next)
		} else if c.opens != "" && (next.Format("Mon 15:04") != c.opens || !next.After(at) || next.Sub(at) > 7*24*time.Hour || !h.IsOpen(next)) {
			t.Errorf("%s, on %s: opens %v, not %s", c.hours, c.at, next, c.opens)
		}
	}
}

// timeInWeek returns a time like Mon 08:00 in a week without a clock change.
func timeInWeek(t *testing.T, s string) time.Time {
	t.Helper()
	for d := range 7 {
		day := time.Date(2026, 11, 22+d, 0, 0, 0, 0, time.UTC)
		at, err := time.Parse("2006-01-02 Mon 15:04", day.Format("2006-01-02 ")+s)
		if err == nil && at.Format("Mon") == day.Format("Mon") && s[:3] == day.Format("Mon") {
			return at
		}
	}
	t.Fatalf("no time %q", s)
	return time.Time{}
}

// On the days on which the clocks change, the opening hours stay the same.
func TestHoursAcrossClockChanges(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	h, err := ParseHours("08:00-20:00")
	if err != nil {
		t.Fatal(err)
	}
	for _, day := range []time.Time{time.Date(2026, 3, 29, 0, 30, 0, 0, berlin), time.Date(2026, 10, 25, 0, 30, 0, 0, berlin)} {
		if at := h.NextOpening(day); at.Format("15:04") != "08:00" || at.Day() != day.Day() || !h.IsOpen(at) || h.IsOpen(at.Add(-time.Minute)) {
			t.Errorf("on %v it opens at %v", day, at)
		}
	}
}

func TestParseHoursRejects(t *testing.T) {
	for _, s := range []string{",", "Mo", "Mo-Fr", "mo 08:00-20:00", "Mon 08:00-20:00", "Mo 8:00-20:00", "Mo 08:00", "Mo 08:00-25:00",
		"Mo 08:60-09:00", "Mo 24:00-09:00", "Mo 08:00-20:00 21:00-22:00", "Mo- 08:00-20:00", "Mo 08.00-20.00", "Mo +8:00-20:00"} {
		if h, err := ParseHours(s); err == nil {
			t.Errorf("%q is read as %v", s, h)
		}
	}
}

// FuzzParseHours: every text is read or rejected, and IsOpen and NextOpening agree.
func FuzzParseHours(f *testing.F) {
	for _, s := range []string{"Mo-Fr 08:00-20:00, Sa 09:00-18:00", "08:00-20:00", "Su", "Mo-Fr 20:00-08:00", "24:00-00:00", ","} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := ParseHours(s)
		if err != nil {
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) {
				t.Errorf("%q: %q", s, err)
			}
			return
		}
		at := time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC)
		opens := h.NextOpening(at)
		if h.IsOpen(at) != opens.IsZero() || !opens.IsZero() && (opens.Before(at) || !h.IsOpen(opens)) {
			t.Errorf("%q: open %v at %v, opens %v", s, h.IsOpen(at), at, opens)
		}
	})
}
