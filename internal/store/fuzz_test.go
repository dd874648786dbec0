package store

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/internal/seal"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func FuzzDecodeVisit(f *testing.F) {
	s := visitRecord{Visit: "v1", Code: "KITE-42"}
	for _, stage := range []kiosk.Stage{kiosk.StageAsking, kiosk.StageAcknowledged, kiosk.StageAcknowledged, kiosk.StageGranted, kiosk.StageShown} {
		next := newStep(rec("v1", stage))
		next.Seq, next.Link = uint64(stage), make([]byte, seal.LinkSize)
		s.Steps = append(s.Steps, next)
		b, err := s.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/2])
		f.Add(bytes.Replace(b, []byte("asking"), []byte("shown"), 1))
	}
	f.Add([]byte("\x00" + `{"visit":"v","steps":[]}`))
	f.Add([]byte("\x00" + `{"note":"set aside","steps":[{"seq":1,"link":"AAAAAAAAAAAAAAAAAAAAAAAAAAA=","wall":"2026-11-22T12:00:00Z","uptime":1}]}`))
	f.Add([]byte(`{} {}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeVisit(b)
		if err != nil {
			return
		}
		again, err := s.encode()
		if err != nil {
			t.Fatalf("decoded but not encoded: %v", err)
		}
		back, err := decodeVisit(again)
		if err != nil {
			t.Fatalf("encoded but not decoded: %v: %s", err, again)
		}
		if diff := cmp.Diff(s, back); diff != "" {
			t.Fatal(diff)
		}
		if v := s.public(1); v.Note == "" && (v.Stage == 0 || v.Visit == "") {
			t.Fatalf("incomplete visit: %+v", v)
		}
	})
}

func FuzzDecodeSecrets(f *testing.F) {
	f.Add(encodeSecrets(canaries()))
	f.Add(encodeSecrets(kiosk.Secrets{}))
	f.Add([]byte{secretsVersion, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeSecrets(b)
		if err != nil {
			return
		}
		back, err := decodeSecrets(encodeSecrets(s))
		if err != nil || secretText(back) != secretText(s) {
			t.Fatalf("not decoded: %v", err)
		}
	})
}

func FuzzDecodeHeader(f *testing.F) {
	f.Add(header{Wall: noon, Boot: "boot-1", Uptime: 5}.encode())
	f.Add(header{}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := decodeHeader(b)
		if err == nil && !bytes.Equal(a.encode(), b) {
			t.Fatalf("%+v is not decoded", a)
		}
	})
}

func FuzzSmallFiles(f *testing.F) {
	f.Add([]byte("1234 kiosk run\n"))
	f.Add([]byte("-1 \x1b]0;pwned\a"))
	f.Add(bytes.Repeat([]byte("0a"), keySize))
	f.Fuzz(func(t *testing.T, b []byte) {
		h := parseHolder(string(b))
		if h.PID < 0 || len(h.Process) > 60 || sanitize.ASCII(h.Process, 60) != h.Process {
			t.Errorf("holder: %+v", h)
		}
		keys, err := parseKeys(b)
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		for _, key := range keys {
			if len(key) != keySize {
				t.Errorf("key of %d bytes", len(key))
			}
		}
	})
}
