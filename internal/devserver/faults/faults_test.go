package faults

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestKindsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range kinds {
		works := map[Stage]bool{BeforeAnswer: k.change != nil, AfterAnswer: k.change != nil, SlowDown: k.change == nil, HoldPoll: k.change == nil, IssueTokens: k.beforeClaims != nil || k.beforeSigning != nil}
		if !works[k.stage] || k.summary == "" {
			t.Errorf("%s: no effect at its stage, or no summary", k.name)
		}
		for _, place := range append(strings.Fields(k.places), "") {
			if key := k.name + " " + place; place != "" || k.places == "" {
				if seen[key] {
					t.Errorf("%s is defined twice", key)
				}
				seen[key] = true
			}
		}
	}
	if len(Kinds()) != len(kinds) {
		t.Error("Kinds does not list all kinds")
	}
}

func FuzzFaultList(f *testing.F) {
	f.Add([]byte(`[{"at":"bc","kind":"status","value":500}]`))
	f.Add([]byte(`[{"at":"token","kind":"claims","value":{"a":null}}]`))
	var l List
	f.Fuzz(func(t *testing.T, body []byte) {
		var list []Fault
		if json.Unmarshal(body, &list) != nil {
			return
		}
		if err := l.Set(list); err == nil && len(l.All()) != len(list) {
			t.Error("a valid list was not stored")
		}
	})
}
