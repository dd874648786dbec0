package store

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// format1Key is the key that testdata/format1.db.gz was made with.
var format1Key = func() []byte {
	key := make([]byte, keySize)
	for i := range key {
		key[i] = byte(i)
	}
	return key
}()

// A database that the first release of this format wrote is read in full, goes on where it ended, and survives being
// rewritten. The file was made by the program of November 2026; its bucket names and encodings must never change.
func TestFormat1IsRead(t *testing.T) {
	dir := t.TempDir()
	unpackFormat1(t, dir)
	s, err := Open(Options{Dir: dir, Key: format1Key})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	wantFormat1(t, s)

	if _, err := s.Rewrite(); err != nil {
		t.Fatal(err)
	}
	wantFormat1(t, s)

	mustAppend(t, s, rec("open", kiosk.StageShown))
	appendVisit(t, s, "new", kiosk.StageShown)
	if v, err := s.Show("new"); err != nil || v.Number != 8 || v.Steps[0].Record != 25 {
		t.Errorf("the next visit: %+v, %v; want number 8, record 25", v, err)
	}
	if id, err := s.AddRevocation(kiosk.Revocation{Until: noon}); err != nil || id != 4 {
		t.Errorf("the next revocation has number %d, %v; want 4", id, err)
	}
	if r := mustVerify(t, s); !r.Intact() {
		t.Error(r.Problems)
	}
}

func unpackFormat1(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Open("testdata/format1.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, dbName), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func wantFormat1(t *testing.T, s *Store) {
	t.Helper()
	r := mustVerify(t, s)
	if !r.Intact() || r.Visits != 5 || r.Notes != 1 || r.Records != 19 || r.First != 5 || r.Last != 23 || r.Pruned != 4 ||
		r.Head != "647582b942a154482bd1db95a21505ac05ff6b08" {
		t.Errorf("the chain: %+v", r)
	}
	var visits []string
	for v, err := range s.Visits() {
		if err != nil {
			t.Fatal(err)
		}
		stages := []string{v.Visit, v.Reason.String(), v.Code, v.Person, v.Note}
		for _, step := range v.Steps {
			stages = append(stages, step.Stage.String(), step.Interval.String())
		}
		if v.Technician {
			stages = append(stages, "technician")
		}
		visits = append(visits, strings.Join(stages, " "))
	}
	if want := format1Visits; !slices.Equal(visits, want) {
		t.Errorf("visits:\n%q\nwant\n%q", visits, want)
	}
	left, err := s.Unfinished()
	if err != nil || len(left) != 1 {
		t.Fatalf("%d visits without an ending, %v; want 1", len(left), err)
	}
	open := left[0]
	secrets := []string{string(open.Secrets.Identifier), string(open.Secrets.RequestID), string(open.Secrets.ExpectedSubject),
		string(open.Secrets.Tokens.Access), string(open.Secrets.Tokens.ID), string(open.Secrets.Tokens.Refresh), open.Secrets.Tokens.Type, open.Secrets.Tokens.Scope}
	if want := []string{"alice-open", "req-open", "sub-open", "access-open", "id-open", "refresh-open", "DPoP", "openid profile"}; !slices.Equal(secrets, want) {
		t.Errorf("secrets %q, want %q", secrets, want)
	}
	if open.Visit != "open" || open.Stage != kiosk.StageGranted || open.Boot != "boot-1" {
		t.Errorf("the visit without an ending: %+v", open)
	}
	var pending []string
	queue, err := s.PendingRevocations()
	for _, q := range queue {
		if !q.Until.Equal(noon.Add(q.Lifetime)) {
			t.Errorf("revocation %d: until %v, lifetime %v", q.ID, q.Until, q.Lifetime)
		}
		pending = append(pending, strings.Join([]string{fmt.Sprint(q.ID), string(q.Tokens.Access), string(q.Tokens.Refresh), q.Tokens.Type, q.Tokens.Scope, q.Tokens.Client}, " "))
	}
	if want := []string{"2 first refresh-first Bearer openid kiosk", "3 second refresh-second Bearer openid kiosk"}; err != nil || !slices.Equal(pending, want) {
		t.Errorf("pending revocations %q, %v; want %q", pending, err, want)
	}
	same := 0
	err = s.PastRequests(kiosk.Secret(" ALICE-shown"), func(p kiosk.PastRequest) bool {
		if p.SamePerson && len(p.History()) == 4 && p.Wall.Equal(noon.Add(1e9)) {
			same++
		}
		return true
	})
	if err != nil || same != 1 {
		t.Errorf("%d past requests for the person, %v; want 1", same, err)
	}
}

// format1Visits are the visits in testdata/format1.db.gz, newest first: name, reason, code, person, note, and each step's
// stage and polling interval.
var format1Visits = []string{
	"open  KITE-42 9e0f627a  asking 0s asked 5s granted 0s",
	"    a file that could not be used was set aside as kiosk.db.set-aside-20261122T120000Z: damaged stage(0) 0s",
	"technician  KITE-42 5cee62e3  asking 0s asked 5s granted 0s shown 0s technician",
	"repaced declined KITE-42 c8f5d68a  asking 0s asked 5s asked 10s abandoned 0s",
	"declined declined KITE-42 299f765d  asking 0s asked 5s ended 0s",
	"shown  KITE-42 8b3cc858  asking 0s asked 5s granted 0s shown 0s",
}
