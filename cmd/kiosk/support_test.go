package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/canary"
)

// bundle writes a support bundle and returns its bytes, and its files by name.
func (r *rig) bundle(t *testing.T, name string) ([]byte, map[string]string) {
	t.Helper()
	path := filepath.Join(r.dir, name)
	p := r.start("support", "--out", path)
	if code := p.wait(); code != 0 || p.err.text() != "" {
		t.Fatalf("exit code %d: %s", code, p.err.text())
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw, unpacked(t, raw)
}

func unpacked(t *testing.T, raw []byte) map[string]string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for archive := tar.NewReader(z); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(h.Name, "kiosk-support/")] = string(b)
	}
}

// TestSupportHoldsNoSecret puts secrets wherever somebody could put one, plays a visit, and searches bundles of that
// device, raw and unpacked, in every encoding.
func TestSupportHoldsNoSecret(t *testing.T) {
	t.Parallel()
	query, comment, unknown, text, mistaken := canary.Make("query"), canary.Make("comment"), canary.Make("unknown"), canary.Make("text"), canary.Make("mistaken")
	stray, variable := canary.Make("stray"), canary.Make("variable")
	r := newCanaryRig(t)
	r.set("KIOSK_API_URL=" + r.url + "/api/customer?key=" + query)
	r.set("SOME_TOKEN=" + variable)
	r.write("kiosk.env", "# "+comment+"\nOTHER_SECRET="+unknown+"\n")
	r.auto("approve", 0, "")
	visit := r.startWith(canaryPerson+"\n", "login", "--json")
	if code := visit.wait(); code != 0 {
		t.Fatalf("exit code %d: %s", code, visit.err.text())
	}
	for _, name := range []string{"client.key", "enrolment.json", "provisioned.env.old"} {
		if err := os.WriteFile(filepath.Join(r.state, name), []byte(stray), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key, err := os.ReadFile(filepath.Join(r.state, "store.key"))
	if err != nil {
		t.Fatal(err)
	}
	cage := r.canaries(t, canaryPerson, query, comment, unknown, text, mistaken, stray, variable, strings.TrimSpace(string(key)))

	raw, files := r.bundle(t, "idle.tar.gz")
	noFindings(t, cage.Find("the bundle", raw))
	for name, content := range files {
		noFindings(t, cage.Find(name, []byte(content)))
	}
	for name, want := range map[string]string{
		"version.json": `"version"`, "settings.json": "KIOSK_CLIENT_SECRET_FILE", "doctor.json": `"check": "client"`,
		"visits.json": `"whole": true`, "machine.txt": "state     kiosk.db: ",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s lacks %s:\n%s", name, want, files[name])
		}
	}

	// While a kiosk runs, with an operator's text for customers.
	resident := r.start("run", "--headless")
	r.eventually("it runs", func() bool { return r.start("status").wait() == 0 })
	if off := r.start("service", "off", text); off.wait() != 0 {
		t.Fatal(off.err.text())
	}
	raw, files = r.bundle(t, "running.tar.gz")
	noFindings(t, cage.Find("the bundle", raw))
	if !strings.Contains(files["status.json"], `"off": true`) {
		t.Errorf("status:\n%s", files["status.json"])
	}
	resident.signal(os.Interrupt)
	resident.wait()

	// With settings that are invalid because each contains a secret.
	for _, name := range []string{"KIOSK_CLIENT_AUTH", "KIOSK_CLIENT_KEY_FILE", "KIOSK_IDLE_TIMEOUT", "KIOSK_GUARD_PERSON", "KIOSK_CLIENT_SECRET", "KIOSK_READY_LINK", "KIOSK_THEME"} {
		r.set(name + "=" + mistaken)
	}
	raw, files = r.bundle(t, "wrong.tar.gz")
	noFindings(t, cage.Find("the bundle", raw))
	if !strings.Contains(files["doctor.json"], `"misconfigured"`) {
		t.Errorf("doctor:\n%s", files["doctor.json"])
	}

	// A leak would be found.
	leaks := append(r.tap.secrets(), canaryPerson, query, mistaken)
	for i, s := range leaks {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		archive := tar.NewWriter(z)
		data := []byte("token=" + base64.StdEncoding.EncodeToString([]byte("x"+s)))
		if err := errors.Join(archive.WriteHeader(&tar.Header{Name: "x", Mode: 0o600, Size: int64(len(data))}), func() error { _, err := archive.Write(data); return err }(), archive.Close(), z.Close()); err != nil {
			t.Fatal(err)
		}
		if len(cage.Find("the bundle", b.Bytes())) == 0 {
			t.Errorf("secret %d in a bundle was not found", i)
		}
	}
}

// TestSupportOverwritesNothing: a bundle overwrites no file, nor the target of a link in /tmp.
func TestSupportOverwritesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	path := r.write("there", "mine")
	p := r.start("support", "--out", path)
	if code := p.wait(); code != 1 || !strings.Contains(p.err.text(), "exists") {
		t.Errorf("exit code %d: %s", code, p.err.text())
	}
	if b, _ := os.ReadFile(path); string(b) != "mine" {
		t.Error("it was overwritten")
	}
}
