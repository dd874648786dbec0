package store

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/ciba-kiosk/ciba-kiosk/internal/seal"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// canary returns a secret that nothing else contains by chance.
func canary(what string) kiosk.Secret { return kiosk.Secret("canary-" + what + "-Qm7xT2") }

func canaries() kiosk.Secrets {
	return kiosk.Secrets{
		Identifier: canary("identifier"), RequestID: canary("auth-req-id"), ExpectedSubject: canary("expect"),
		Tokens: kiosk.Tokens{Access: canary("access"), ID: canary("id-token"), Refresh: canary("refresh"), Type: "Bearer", Scope: "canary-scope-Qm7xT2"},
	}
}

// findCanaries searches every file of a directory for canaries, in clear and in the usual encodings.
func findCanaries(t *testing.T, dir string) (out []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	secrets := canaries()
	needles := [][]byte{[]byte(secrets.Tokens.Scope)}
	for _, p := range secretFields(&secrets) {
		needles = append(needles, *p)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range needles {
			for _, form := range [][]byte{
				n, bytes.ToUpper(n), []byte(hex.EncodeToString(n)),
				[]byte(base64.RawStdEncoding.EncodeToString(n))[:len(n)], []byte(base64.RawURLEncoding.EncodeToString(n))[:len(n)],
				seal.Fold(n),
			} {
				if bytes.Contains(b, form) {
					out = append(out, fmt.Sprintf("%s in %s", n, f.Name()))
				}
			}
		}
	}
	return out
}

func TestFileHasNoPersonalData(t *testing.T) {
	for _, end := range []kiosk.Stage{kiosk.StageShown, kiosk.StageEnded, kiosk.StageAbandoned} {
		dir := t.TempDir()
		s := openTest(t, dir)
		for _, stage := range []kiosk.Stage{kiosk.StageAsking, kiosk.StageAcknowledged, kiosk.StageGranted, end} {
			r := rec("v1", stage)
			r.Secrets = canaries()
			mustAppend(t, s, r)
			if f := findCanaries(t, dir); len(f) != 0 {
				t.Errorf("%v: %v", stage, f)
			}
			v, err := s.Show("v1")
			if err != nil {
				t.Fatal(err)
			}
			shown, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(shown, []byte("canary")) {
				t.Errorf("%v: the operator sees a secret: %s", stage, shown)
			}
		}
		r := rec("v1", kiosk.StageAsking)
		r.Secrets = canaries()
		if err := s.Append(r); err == nil || bytes.Contains([]byte(err.Error()), []byte("canary")) {
			t.Errorf("error: %v", err)
		}
		err := s.view("look", func(tx *bolt.Tx) error {
			if k, _ := tx.Bucket(openBucket).Cursor().First(); k != nil {
				t.Errorf("%v: sealed secrets are kept after the end", end)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestCanaryIsFoundIfNotSealed shows that the test above would notice: the same secrets, encoded but not sealed, in
// the same bucket.
func TestCanaryIsFoundIfNotSealed(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	err := s.update("leak", func(tx *bolt.Tx) error {
		return tx.Bucket(openBucket).Put(number(1), encodeSecrets(canaries()))
	})
	if err != nil {
		t.Fatal(err)
	}
	if f := findCanaries(t, dir); len(f) < 7 {
		t.Errorf("found only %v", f)
	}
}

// TestSealedSecretsCannotBeSwapped: sealed secrets of another visit do not open.
func TestSealedSecretsCannotBeSwapped(t *testing.T) {
	s := openTest(t, t.TempDir())
	mustAppend(t, s, rec("v1", kiosk.StageAsking), rec("v2", kiosk.StageAsking))
	err := s.update("swap", func(tx *bolt.Tx) error {
		open := tx.Bucket(openBucket)
		other := bytes.Clone(open.Get(number(2)))
		return open.Put(number(1), other)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Unfinished(); err == nil {
		t.Errorf("opened: %v", got)
	}
}
