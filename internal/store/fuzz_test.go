package store

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func FuzzReadStory(f *testing.F) {
	s := story{Visit: "v1", Person: make([]byte, tagSize), Code: "KITE-42"}
	for _, stage := range []kiosk.Stage{kiosk.StageAsking, kiosk.StageAsked, kiosk.StageAsked, kiosk.StageGranted, kiosk.StageShown} {
		s.Steps = append(s.Steps, newStep(rec("v1", stage)))
		b, err := s.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/2])
		f.Add(bytes.Replace(b, []byte("asking"), []byte("shown"), 1))
	}
	f.Add([]byte(`{"visit":"v","person":"AAAAAAAAAAAAAAAAAAAAAA==","steps":[]}`))
	f.Add([]byte(`{} {}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := readStory(b)
		if err != nil {
			return
		}
		again, err := s.encode()
		if err != nil {
			t.Fatalf("read but not written: %v", err)
		}
		back, err := readStory(again)
		if err != nil {
			t.Fatalf("written but not read: %v: %s", err, again)
		}
		if diff := cmp.Diff(s, back); diff != "" {
			t.Fatal(diff)
		}
		if v := s.visit(1); v.Stage == 0 || v.Visit == "" {
			t.Fatalf("half a visit: %+v", v)
		}
	})
}

func FuzzUnpackSecrets(f *testing.F) {
	f.Add(packSecrets(canaries()))
	f.Add(packSecrets(kiosk.Secrets{}))
	f.Add([]byte{secretsVersion, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := unpackSecrets(b)
		if err != nil {
			return
		}
		back, err := unpackSecrets(packSecrets(s))
		if err != nil || secretText(back) != secretText(s) {
			t.Fatalf("does not come back: %v", err)
		}
	})
}

func FuzzReadAsked(f *testing.F) {
	f.Add(asked{Wall: noon, Boot: "boot-1", Uptime: 5}.pack())
	f.Add(asked{}.pack())
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := readAsked(b)
		if err == nil && !bytes.Equal(a.pack(), b) {
			t.Fatalf("%+v does not come back", a)
		}
	})
}

func FuzzSmallFiles(f *testing.F) {
	f.Add([]byte("1234 kiosk run\n"))
	f.Add([]byte("-1 \x1b]0;pwned\a"))
	f.Add(bytes.Repeat([]byte("0a"), keySize))
	f.Fuzz(func(t *testing.T, b []byte) {
		h := parseHolder(string(b))
		if h.PID < 0 || len(h.Who) > 60 || printable(h.Who, 60) != h.Who {
			t.Errorf("holder: %+v", h)
		}
		if key, err := parseKey(b); (err == nil) != (len(key) == keySize) {
			t.Errorf("key of %d bytes, %v", len(key), err)
		}
	})
}
