package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// The revocation queue survives a restart, sealed, until each entry is done.
func TestRevocationsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	os.Chmod(dir, 0o700)
	until := time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC)
	revocation := func(n int) kiosk.Revocation {
		return kiosk.Revocation{Until: until, Lifetime: time.Hour, Tokens: kiosk.Tokens{
			Access: kiosk.Secret(fmt.Sprintf("canary-access-%03d", n)), Refresh: kiosk.Secret("canary-refresh"), Client: "kiosk-device", Type: "Bearer"}}
	}
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if pending, err := s.PendingRevocations(); err != nil || len(pending) != 0 {
		t.Fatalf("%v %v", pending, err)
	}
	var ids []uint64
	for n := range 3 {
		id, err := s.AddRevocation(revocation(n))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := s.RevocationDone(ids[1]); err != nil {
		t.Fatal(err)
	}
	s.Close()
	data, err := os.ReadFile(filepath.Join(dir, dbName))
	if err != nil || bytes.Contains(data, []byte("canary-access")) || bytes.Contains(data, []byte("canary-refresh")) {
		t.Errorf("in clear on disk (%v)", err)
	}
	if s, err = Open(Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	pending, err := s.PendingRevocations()
	if err != nil || len(pending) != 2 {
		t.Fatalf("%d revocations: %v", len(pending), err)
	}
	for i, n := range []int{0, 2} {
		want := revocation(n)
		if d := pending[i]; string(d.Tokens.Access) != string(want.Tokens.Access) || d.Tokens.Client != "kiosk-device" || !d.Until.Equal(until) || d.Lifetime != time.Hour || d.ID != ids[n] {
			t.Errorf("revocation %d was read as %+v", n, d)
		}
	}
	for n := range maxRevocations + 5 {
		if _, err := s.AddRevocation(revocation(n)); err != nil {
			t.Fatal(err)
		}
	}
	if pending, _ := s.PendingRevocations(); len(pending) > maxRevocations {
		t.Errorf("%d revocations are kept", len(pending))
	}
}

func FuzzDecodeRevocation(f *testing.F) {
	f.Add(make([]byte, 16))
	f.Add(append(make([]byte, 16), encodeSecrets(kiosk.Secrets{Tokens: kiosk.Tokens{Access: kiosk.Secret("x")}})...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, ok := decodeRevocation(b); ok && (d.Lifetime < 0 || !isDate(d.Until)) {
			t.Errorf("%+v", d)
		}
	})
}
