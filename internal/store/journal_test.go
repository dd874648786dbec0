package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// testJournal tests what every kiosk.Journal must do. again returns the same journal as a new process would open it; a
// journal in memory returns itself.
func testJournal(t *testing.T, fresh func(t *testing.T) (j kiosk.Journal, again func() kiosk.Journal)) {
	const (
		asking, asked, granted  = kiosk.StageAsking, kiosk.StageAcknowledged, kiosk.StageGranted
		shown, ended, abandoned = kiosk.StageShown, kiosk.StageEnded, kiosk.StageAbandoned
	)
	unfinished := func(t *testing.T, j kiosk.Journal) []kiosk.Record {
		t.Helper()
		out, err := j.Unfinished()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}

	t.Run("a new journal has no unfinished visit", func(t *testing.T) {
		j, _ := fresh(t)
		if got := unfinished(t, j); len(got) != 0 {
			t.Fatalf("got %v", got)
		}
	})

	for _, c := range []struct {
		name   string
		stages []kiosk.Stage
		open   bool
	}{
		{"power cut while asking", []kiosk.Stage{asking}, true},
		{"power cut while the phone rings", []kiosk.Stage{asking, asked}, true},
		{"power cut after two changes of the interval", []kiosk.Stage{asking, asked, asked, asked}, true},
		{"approved after the interval changed", []kiosk.Stage{asking, asked, asked, granted}, true},
		{"refused after the interval changed", []kiosk.Stage{asking, asked, asked, ended}, false},
		{"power cut after the approval", []kiosk.Stage{asking, asked, granted}, true},
		{"details shown", []kiosk.Stage{asking, asked, granted, shown}, false},
		{"refused by the server at once", []kiosk.Stage{asking, ended}, false},
		{"declined by the person", []kiosk.Stage{asking, asked, ended}, false},
		{"service down after the approval", []kiosk.Stage{asking, asked, granted, ended}, false},
		{"abandoned while asking", []kiosk.Stage{asking, abandoned}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, again := fresh(t)
			secrets := kiosk.Secrets{}
			var want kiosk.Record
			for _, stage := range c.stages {
				r := rec("v1", stage)
				mustAppend(t, j, r)
				want, secrets = r, mergeSecrets(r.Secrets, secrets)
			}
			want.Secrets = secrets
			for _, open := range []func() kiosk.Journal{func() kiosk.Journal { return j }, again} {
				got := unfinished(t, open())
				if !c.open {
					if len(got) != 0 {
						t.Fatalf("a visit that ended is unfinished: %v", got)
					}
					continue
				}
				if diff := cmp.Diff([]kiosk.Record{want}, got); diff != "" {
					t.Fatal(diff)
				}
				if secretText(got[0].Secrets) != secretText(want.Secrets) { // cmp compares them, too, but this makes it explicit
					t.Fatal("the secrets differ")
				}
			}
		})
	}

	t.Run("the oldest unfinished visit comes first", func(t *testing.T) {
		j, again := fresh(t)
		for _, v := range []string{"zebra", "lion", "ant"} {
			mustAppend(t, j, rec(v, asking))
		}
		mustAppend(t, j, rec("zebra", asked), rec("lion", ended))
		for _, open := range []func() kiosk.Journal{func() kiosk.Journal { return j }, again} {
			got := unfinished(t, open())
			if len(got) != 2 || got[0].Visit != "zebra" || got[1].Visit != "ant" {
				t.Fatalf("got %v", got)
			}
		}
	})

	t.Run("the polling interval changes", func(t *testing.T) {
		j, again := fresh(t)
		first := rec("v1", asked)
		first.Pause = 5 * time.Second
		mustAppend(t, j, rec("v1", asking), first)

		slower := kiosk.Record{
			Visit: "v1", Stage: asked, Code: first.Code, Expires: first.Expires, Interval: 10 * time.Second,
			Wall: first.Wall.Add(20 * time.Second), Boot: first.Boot, Uptime: first.Uptime + 20*time.Second,
			Sent: first.Sent, SentAt: first.SentAt, Pause: 90 * time.Second,
		}
		mustAppend(t, j, slower)
		want := slower
		want.Secrets = first.Secrets
		for _, open := range []func() kiosk.Journal{func() kiosk.Journal { return j }, again} {
			got := unfinished(t, open())
			if diff := cmp.Diff([]kiosk.Record{want}, got); diff != "" {
				t.Fatal(diff)
			}
			if secretText(got[0].Secrets) != secretText(first.Secrets) {
				t.Fatal("the secrets differ")
			}
		}
	})

	all := []kiosk.Stage{asking, asked, granted, shown, ended, abandoned}
	allowed := map[string]bool{
		"asking": true, "asking asked": true, "asking ended": true, "asking abandoned": true,
		"asking asked granted": true, "asking asked ended": true, "asking asked abandoned": true,
		"asking asked granted shown": true, "asking asked granted ended": true, "asking asked granted abandoned": true,
	}
	t.Run("only these orders are allowed", func(t *testing.T) {
		j, again := fresh(t)
		n := 0
		var try func(visit string, stages []kiosk.Stage, name string)
		// Each allowed order is tried with every stage after it.
		try = func(_ string, stages []kiosk.Stage, name string) {
			for _, next := range all {
				n++
				visit := fmt.Sprintf("v%d", n)
				for _, stage := range stages {
					mustAppend(t, j, rec(visit, stage))
				}
				before := unfinished(t, j)
				err := j.Append(rec(visit, next))
				longer := name + " " + next.String()
				if name == "" {
					longer = next.String()
				}
				if strings.HasSuffix(longer, "asked asked asked") {
					continue // it could go on: see TestIntervalChangesAreLimited
				}
				if allowed[strings.Replace(longer, "asked asked", "asked", 1)] {
					if err != nil {
						t.Errorf("%s: %v", longer, err)
					}
					try(visit, append(append([]kiosk.Stage(nil), stages...), next), longer)
					continue
				}
				if err == nil {
					t.Errorf("%s: allowed", longer)
				}
				if diff := cmp.Diff(before, unfinished(t, j)); diff != "" {
					t.Errorf("%s: refused, but it changed something: %s", longer, diff)
				}
			}
		}
		try("", nil, "")
		j = again()
		for _, r := range unfinished(t, j) {
			mustAppend(t, j, rec(r.Visit, ended))
		}
		if got := unfinished(t, j); len(got) != 0 {
			t.Errorf("still unfinished: %v", got)
		}
	})

	t.Run("the caller may zero its secrets afterwards", func(t *testing.T) {
		j, _ := fresh(t)
		r := rec("v1", asking)
		mustAppend(t, j, r)
		r.Secrets.Identifier.Zero()
		got := unfinished(t, j)
		got[0].Secrets.Identifier.Zero()
		if id := string(unfinished(t, j)[0].Secrets.Identifier); id != "alice-v1" {
			t.Fatalf("identifier is now %q", id)
		}
	})

	t.Run("broken records are refused", func(t *testing.T) {
		j, _ := fresh(t)
		long := string(make([]byte, 4096))
		for name, spoil := range map[string]func(*kiosk.Record){
			"no visit":               func(r *kiosk.Record) { r.Visit = "" },
			"too long visit":         func(r *kiosk.Record) { r.Visit = long },
			"escape sequence inside": func(r *kiosk.Record) { r.Code = "\x1b[2J" },
			"too long boot":          func(r *kiosk.Record) { r.Boot = long },
			"no stage":               func(r *kiosk.Record) { r.Stage = 0 },
			"unknown stage":          func(r *kiosk.Record) { r.Stage = 99 },
			"unknown reason":         func(r *kiosk.Record) { r.Reason = 99 },
			"negative uptime":        func(r *kiosk.Record) { r.Uptime = -time.Second },
			"negative pause":         func(r *kiosk.Record) { r.Pause = -time.Second },
			"the year 30000":         func(r *kiosk.Record) { r.Wall = time.Date(30000, 1, 1, 0, 0, 0, 0, time.UTC) },
			"huge token":             func(r *kiosk.Record) { r.Secrets.Tokens.ID = make(kiosk.Secret, 1<<20) },
			"no identifier":          func(r *kiosk.Record) { r.Secrets.Identifier = nil },
		} {
			r := rec("v1", asking)
			spoil(&r)
			if err := j.Append(r); err == nil {
				t.Errorf("%s: accepted", name)
			}
		}
		if got := unfinished(t, j); len(got) != 0 {
			t.Errorf("something was stored: %v", got)
		}
	})
}

func secretText(s kiosk.Secrets) string { return string(encodeSecrets(s)) }

func TestJournalContract(t *testing.T) {
	testJournal(t, func(t *testing.T) (kiosk.Journal, func() kiosk.Journal) {
		dir := t.TempDir()
		s := openTest(t, dir)
		s.db.NoSync = true // the flushes are tested by TestAcknowledgedRecordsSurviveKills
		return s, func() kiosk.Journal {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return openTest(t, dir)
		}
	})
}

func TestErrorsAreWrapped(t *testing.T) {
	s := openTest(t, t.TempDir())
	appendVisit(t, s, "v1", kiosk.StageEnded)
	if err := s.Append(rec("v1", kiosk.StageAcknowledged)); !errors.Is(err, ErrOrder) {
		t.Errorf("after the end: %v", err)
	}
	if err := s.Append(rec("v2", kiosk.StageAcknowledged)); !errors.Is(err, ErrOrder) {
		t.Errorf("never begun: %v", err)
	}
	if err := s.Append(kiosk.Record{}); !errors.Is(err, ErrRecord) {
		t.Errorf("empty: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if err := s.Append(rec("v3", kiosk.StageAsking)); !errors.Is(err, ErrClosed) {
		t.Errorf("after closing: %v", err)
	}
	if _, err := s.Unfinished(); !errors.Is(err, ErrClosed) {
		t.Errorf("after closing: %v", err)
	}
}
