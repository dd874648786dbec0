package health

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestBoardReportsRootCauses: without a network, the failure of the server is not reported as a cause.
func TestBoardReportsRootCauses(t *testing.T) {
	var network, dns, store error
	b := New(
		Check{Name: "network", Run: func() error { return network }},
		Check{Name: "dns", Needs: []string{"network"}, Run: func() error { return dns }},
		Check{Name: "server", Needs: []string{"dns"}, Run: func() error { return dns }},
		Check{Name: "store", Run: func() error { return store }},
	)
	roots := func(now time.Duration) string {
		var all []string
		for _, i := range b.Check(now) {
			if !i.OK && i.Behind == "" {
				all = append(all, i.Name+": "+i.Cause)
			}
			if !i.OK && i.Name == "server" && i.Behind == "" {
				t.Error("the server is reported as a root cause")
			}
		}
		return strings.Join(all, ", ")
	}
	for i, c := range []struct {
		network, dns, store string
		want                string
	}{
		{"", "", "", ""},
		{"down", "no answer", "", "network: down"},
		{"", "no answer", "", "dns: no answer"},
		{"", "no answer", "full", "dns: no answer, store: full"},
		{"", "", "full", "store: full"},
		{"", "", "", ""},
	} {
		network, dns, store = fault(c.network), fault(c.dns), fault(c.store)
		if got := roots(time.Duration(i) * time.Second); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func fault(s string) error {
	if s == "" {
		return nil
	}
	return errors.New(s)
}

// TestBoardDelaysChanges: a change is reported after it has lasted, in both directions.
func TestBoardDelaysChanges(t *testing.T) {
	var is error
	b := New(Check{Name: "hot", Delay: 10 * time.Second, Run: func() error { return is }})
	for _, c := range []struct {
		at   int
		is   string
		well bool
		span int
	}{
		{0, "", true, 0}, {5, "hot", true, 5}, {9, "", true, 9}, {10, "hot", true, 10}, {19, "hot", true, 19},
		{20, "hot", false, 0}, {25, "", false, 5}, {34, "", false, 14}, {35, "", true, 0},
	} {
		is = fault(c.is)
		i := b.Check(time.Duration(c.at) * time.Second)[0]
		if i.OK != c.well || i.For != c.span {
			t.Errorf("after %d s: %+v", c.at, i)
		}
	}
	if i := New(Check{Name: "hot", Delay: time.Hour, Run: func() error { return errors.New("hot") }}).Check(0)[0]; i.OK {
		t.Error("a failure of the first check is not reported")
	}
}
