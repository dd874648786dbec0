package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// hours is the setting of opening hours.
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
		return h.reject("days and times as in Mo-Fr 08:00-20:00, Sa 09:00-18:00, with more times of a day each as a part of its own", "%v", err)
	}
	h.week = week
	return nil
}

// Hours are the opening hours of a week by the time of the place; nil is always.
type Hours []Opening

// Opening is a time of each week.
type Opening struct {
	Day  time.Weekday
	From int // minutes since that day's midnight, below 1440
	To   int // the same, above From; beyond 1440 it ends on the day after
}

// day is 1440 minutes, in which opening hours are counted: clocks that are put
// forward or back do not change what stands on the door.
const minutesPerDay = 24 * 60

var weekdays = []string{"Su", "Mo", "Tu", "We", "Th", "Fr", "Sa"} // as time.Weekday counts

// ParseHours reads opening hours: parts with commas or semicolons between, each with
// days (Mo, or Mo-Fr; none is every day) and a time (08:00-20:00). A day may be in
// several parts, for a pause at noon. 24:00 is the end of a day; an end that is not
// after its beginning is on the day after. Its errors do not quote it.
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
			return nil, fmt.Errorf("part %d: days and one time are wanted", i+1)
		}
		from, to, err := parseSpan(words[len(words)-1])
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
		return nil, errors.New("there is no time in it")
	}
	return all, nil
}

func parseDays(s string) (first, last time.Weekday, err error) {
	a, b, several := strings.Cut(s, "-")
	if !several {
		b = a
	}
	f, l := slices.Index(weekdays, a), slices.Index(weekdays, b)
	if f < 0 || l < 0 {
		return 0, 0, errors.New("a day is Mo, Tu, We, Th, Fr, Sa or Su")
	}
	return time.Weekday(f), time.Weekday(l), nil
}

func parseSpan(s string) (from, to int, err error) {
	a, b, _ := strings.Cut(s, "-")
	from, okFrom := parseMinute(a)
	to, okTo := parseMinute(b)
	if !okFrom || !okTo || from == minutesPerDay {
		return 0, 0, errors.New("a time is as 08:00-20:00")
	}
	if to <= from {
		to += minutesPerDay
	}
	return from, to, nil
}

// parseMinute reads a time of day from 00:00 to 24:00.
func parseMinute(s string) (int, bool) {
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

// IsOpen says whether t is within the hours, by the clock of t's place.
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

// NextOpening is when they are open next after t; zero where they are at t.
func (h Hours) NextOpening(t time.Time) time.Time {
	var next time.Time
	if h.IsOpen(t) {
		return next
	}
	for _, o := range h {
		// Today's is over if it is before t; then that of next week.
		for _, ahead := range []int{int(o.Day-t.Weekday()+7) % 7, 7} {
			at := time.Date(t.Year(), t.Month(), t.Day()+ahead, o.From/60, o.From%60, 0, 0, t.Location())
			if at.After(t) && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
	}
	return next
}
