package main

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// members are what a line of `kiosk login --json` has by phase, beside time,
// visit and phase: these, all of these, and nothing else.
var members = map[string]map[string]func(any) bool{
	"asking": {},
	"waiting": {
		"code": matching(`^[A-Z0-9]{3}-[A-Z0-9]{3}$`), "binding_message": isText,
		"expires_in": isWhole, "interval": isCount, "connection": matching(`^(ok|lost)$`),
	},
	"checking": {},
	"fetching": {},
	"shown":    {"subject": isText, "result": isResult},
	"ended":    {"reason": matching(`^[a-z_]+$`), "advice": isText},
}

func matching(pattern string) func(any) bool {
	re := regexp.MustCompile(pattern)
	return func(v any) bool { s, ok := v.(string); return ok && re.MatchString(s) }
}

// isText is text that a person can be shown: not empty, no control and no
// direction characters.
func isText(v any) bool {
	s, ok := v.(string)
	return ok && s != "" && isClean(s)
}

func isClean(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2060 && r <= 0x206f || r == 0xfeff
	})
}

func isWhole(v any) bool { n, ok := v.(float64); return ok && n >= 0 && n == math.Trunc(n) }
func isCount(v any) bool { return isWhole(v) && v.(float64) >= 1 }

func isResult(v any) bool {
	m, ok := v.(map[string]any)
	if !ok || len(m) != 2 {
		return false
	}
	title, ok := m["title"].(string)
	fields, list := m["fields"].([]any)
	if !ok || !list || !isClean(title) {
		return false
	}
	for _, f := range fields {
		one, ok := f.(map[string]any)
		label, isLabel := one["label"].(string)
		value, isValue := one["value"].(string)
		if !ok || len(one) != 2 || !isLabel || !isValue || !isClean(label) || !isClean(value) {
			return false
		}
	}
	return true
}

// follows are the phases that can come next; nothing follows shown and ended.
var follows = map[string][]string{
	"":         {"asking", "ended"},
	"asking":   {"waiting", "ended"},
	"waiting":  {"waiting", "checking", "ended"},
	"checking": {"fetching", "ended"},
	"fetching": {"shown", "ended"},
}

// checkLines holds the lines of one whole visit against the contract and gives
// the last one.
func checkLines(t testing.TB, lines []map[string]any) map[string]any {
	t.Helper()
	if len(lines) == 0 {
		t.Fatal("nothing on standard output")
	}
	var before map[string]any
	var clock time.Time
	for i, l := range lines {
		phase, _ := l["phase"].(string)
		was, _ := before["phase"].(string)
		if !slices.Contains(follows[was], phase) {
			t.Errorf("line %d: phase %q after %q", i, phase, was)
		}
		checkMembers(t, i, l)
		at := checkTime(t, i, l)
		if at.Before(clock) {
			t.Errorf("line %d is from before the line above it", i)
		}
		clock = at
		if i > 0 && l["visit"] != before["visit"] {
			t.Errorf("line %d is of another visit", i)
		}
		if phase != "ended" && l["visit"] == "" {
			t.Errorf("line %d names no visit", i)
		}
		if phase == "waiting" && was == "waiting" {
			if l["interval"] == before["interval"] && l["connection"] == before["connection"] {
				t.Errorf("line %d tells nothing new", i)
			}
			if l["code"] != before["code"] || l["binding_message"] != before["binding_message"] {
				t.Errorf("line %d: the code changed", i)
			}
		}
		before = l
	}
	if p := before["phase"]; p != "shown" && p != "ended" {
		t.Errorf("the last line is %v", p)
	}
	return before
}

func checkMembers(t testing.TB, i int, l map[string]any) {
	t.Helper()
	phase, _ := l["phase"].(string)
	spec, ok := members[phase]
	if !ok {
		t.Errorf("line %d: phase %q", i, phase)
		return
	}
	for name, v := range l {
		check, known := spec[name]
		switch {
		case name == "phase", name == "time":
		case name == "visit":
			if s, ok := v.(string); !ok || !isClean(s) {
				t.Errorf("line %d: visit is %v", i, v)
			}
		case !known:
			t.Errorf("line %d, %s: member %q is not in the contract", i, phase, name)
		case !check(v):
			t.Errorf("line %d, %s: %s is %v", i, phase, name, v)
		}
	}
	for name := range spec {
		if _, there := l[name]; !there {
			t.Errorf("line %d, %s: %s is missing", i, phase, name)
		}
	}
	if _, there := l["visit"]; !there {
		t.Errorf("line %d: visit is missing", i)
	}
	if code, _ := l["code"].(string); phase == "waiting" {
		if message, _ := l["binding_message"].(string); !strings.Contains(message, code) {
			t.Errorf("line %d: the code is not in the binding message %q", i, message)
		}
	}
}

func checkTime(t testing.TB, i int, l map[string]any) time.Time {
	t.Helper()
	text, _ := l["time"].(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || !strings.HasSuffix(text, "Z") {
		t.Errorf("line %d: time is %q, not RFC 3339 in UTC", i, text)
	}
	if d := time.Since(at); d < -time.Minute || d > time.Hour {
		t.Errorf("line %d: time is off by %v", i, d)
	}
	return at
}
