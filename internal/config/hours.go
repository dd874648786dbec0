package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// hours decodes the setting KIOSK_OPEN.
type hours struct {
	field
	week Hours
}

func (h *hours) Decode(s string) error {
	h.week = nil
	if !h.accept(s) {
		return nil
	}
	week, err := ParseHours(h.text)
	if err != nil {
		return h.reject(hoursAllowed, "%v", err)
	}
	h.week = week
	return nil
}

// Hours are the opening hours of a week in local time; nil means always open.
type Hours []Opening

// Opening is one period of each week.
type Opening struct {
	Day  time.Weekday
	From int // in minutes since midnight, 0 to 1439
	To   int // likewise, greater than From; if greater than 1440, the period ends on the next day
}

// minutesPerDay ignores daylight saving: opening hours are wall-clock times.
const minutesPerDay = 24 * 60

var weekdays = []string{"Su", "Mo", "Tu", "We", "Th", "Fr", "Sa"} // indexed by time.Weekday

// ParseHours parses opening hours: parts separated by commas or semicolons. Each is a period, such as 08:00-20:00, after a
// day or a range of days, such as Mo or Sa-Mo; without them it is for every day. A day may be in several parts. 24:00 is the
// end of a day. A period whose end is not later than its start, such as 22:00-06:00, ends on the next day. Errors do not
// quote s.
func ParseHours(s string) (Hours, error) {
	var all Hours
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' })
	for i, part := range parts {
		words := strings.Fields(part)
		first, last := time.Sunday, time.Saturday
		var err error
		switch len(words) {
		case 1:
		case 2:
			if first, last, err = parseDays(words[0]); err != nil {
				return nil, fmt.Errorf("part %d: %w", i+1, err)
			}
		default:
			return nil, fmt.Errorf("part %d: must be a period, with or without days before it, such as Mo-Fr 08:00-20:00", i+1)
		}
		from, to, err := parsePeriod(words[len(words)-1])
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", i+1, err)
		}
		for d := first; ; d = (d + 1) % 7 {
			all = append(all, Opening{d, from, to})
			if d == last {
				break
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("contains no period")
	}
	return all, nil
}

// parseDays parses a day or a range of days, which may span the end of the week, such as Sa-Mo.
func parseDays(s string) (first, last time.Weekday, err error) {
	a, b, isRange := strings.Cut(s, "-")
	if !isRange {
		b = a
	}
	f, l := slices.Index(weekdays, a), slices.Index(weekdays, b)
	if f < 0 || l < 0 {
		return 0, 0, errors.New("the day must be Mo, Tu, We, Th, Fr, Sa or Su")
	}
	return time.Weekday(f), time.Weekday(l), nil
}

// parsePeriod parses a period such as 08:00-20:00. If to is greater than minutesPerDay, it ends on the next day.
func parsePeriod(s string) (from, to int, err error) {
	a, b, _ := strings.Cut(s, "-")
	from, okFrom := parseTimeOfDay(a)
	to, okTo := parseTimeOfDay(b)
	if !okFrom || !okTo || from == minutesPerDay {
		return 0, 0, errors.New("the period must look like 08:00-20:00")
	}
	if to <= from {
		to += minutesPerDay
	}
	return from, to, nil
}

// parseTimeOfDay parses a time of day from 00:00 to 24:00 and returns its minutes since midnight.
func parseTimeOfDay(s string) (int, bool) {
	if len(s) != len("00:00") || s[2] != ':' {
		return 0, false
	}
	for _, i := range []int{0, 1, 3, 4} {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	h, m := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
	return h*60 + m, m < 60 && h*60+m <= minutesPerDay
}

// IsOpen reports whether t is within the hours, in t's time zone.
func (h Hours) IsOpen(t time.Time) bool {
	if len(h) == 0 {
		return true
	}
	now := t.Hour()*60 + t.Minute()
	for _, o := range h {
		if o.Day == t.Weekday() && o.From <= now && now < o.To || (o.Day+1)%7 == t.Weekday() && now < o.To-minutesPerDay {
			return true
		}
	}
	return false
}

// NextOpening returns when the next period after t begins; the zero time if h is open at t.
func (h Hours) NextOpening(t time.Time) time.Time {
	var next time.Time
	if h.IsOpen(t) {
		return next
	}
	for _, o := range h {
		// If today's opening is before t, the next one is in a week.
		for _, ahead := range []int{int(o.Day-t.Weekday()+7) % 7, 7} {
			at := time.Date(t.Year(), t.Month(), t.Day()+ahead, o.From/60, o.From%60, 0, 0, t.Location())
			if at.After(t) && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
	}
	return next
}
