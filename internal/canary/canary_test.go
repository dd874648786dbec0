package canary

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

func canariesWith(t *testing.T, secret string) *Canaries {
	t.Helper()
	c := &Canaries{}
	if err := c.Add("token", secret); err != nil {
		t.Fatal(err)
	}
	return c
}

// The test leaks a secret in each encoding that a Go program may use, made by the real
// encoders.
func TestFindSeesEveryEncoding(t *testing.T) {
	secret := Make("token") + "+/="
	raw := []byte(secret)
	type held struct {
		Name  string
		Token []byte
	}
	js := func(v any) string { b, _ := json.Marshal(v); return string(b) }
	logged := func(v any) string {
		var b bytes.Buffer
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
		return b.String()
	}
	leaks := map[string]string{
		"as it is": secret, "%q": fmt.Sprintf("%q", secret), "%x": fmt.Sprintf("%x", secret), "%X": fmt.Sprintf("%X", secret), "% x": fmt.Sprintf("% x", secret),
		"%v of bytes": fmt.Sprint(raw), "%v of a struct": fmt.Sprintf("%+v", held{"x", raw}), "%#v": fmt.Sprintf("%#v", held{"x", raw}),
		"JSON": js(secret), "JSON of bytes": js(held{"x", raw}), "JSON in JSON": js(js(map[string]string{"t": secret})),
		"slog": logged(secret), "slog of bytes": logged(raw), "form": url.Values{"token": {secret}}.Encode(), "URL": (&url.URL{Path: "/" + secret}).String(),
		"the first half": secret[:20], "the second half": secret[len(secret)-18:], "cut in two lines": secret[:9] + "\r\n   " + secret[9:],
		"drawn on a screen": secret[:7] + "\x1b[12;1H\x1b[0;37m" + secret[7:], "letter by letter": formatEach(raw, "%c", "\x1b[1C"),
	}
	for at := range 7 {
		leaks[fmt.Sprintf("Basic at %d", at)] = base64.StdEncoding.EncodeToString([]byte("client123"[:at] + secret + ":more"))
		leaks[fmt.Sprintf("JWT at %d", at)] = base64.RawURLEncoding.EncodeToString([]byte("{\"sub\":"[:at] + secret))
	}
	for how, form := range Forms(secret) {
		leaks["form "+how] = form
	}
	c := canariesWith(t, secret)
	for how, leak := range leaks {
		text := []byte("before " + leak + " after")
		if got := c.Find("log", text); len(got) != 1 || got[0].Name != "token" || got[0].Where != "log" {
			t.Errorf("%s: found %v in %q", how, got, text)
		}
		if got := c.Find("log", text, "token"); len(got) != 0 {
			t.Errorf("%s: found an excluded secret: %v", how, got)
		}
	}
}

func TestFindHasNoFalsePositives(t *testing.T) {
	c := canariesWith(t, Make("token"))
	for _, text := range []string{"", "canary", "canarytoken", "\x1b[", Make("token"), Make("other"), fmt.Sprint(os.Environ())} {
		if got := c.Find("log", []byte(text)); len(got) > 0 {
			t.Errorf("%v in %q", got, text)
		}
	}
	if err := c.Add("short", "abcde"); err == nil {
		t.Error("a secret of five letters was accepted")
	}
	if c.Len() != 1 {
		t.Errorf("%d secrets, want 1", c.Len())
	}
}

// A support bundle is an archive.
func TestFindInReadsFilesAndArchives(t *testing.T) {
	secret := Make("id")
	c := canariesWith(t, secret)
	var tarred, zipped bytes.Buffer
	gz := gzip.NewWriter(&tarred)
	tw := tar.NewWriter(gz)
	_ = tw.WriteHeader(&tar.Header{Name: "log.txt", Size: int64(len(secret)), Mode: 0o600})
	_, _ = tw.Write([]byte(secret))
	_, _ = tw.Close(), gz.Close()
	zw := zip.NewWriter(&zipped)
	f, _ := zw.Create("status.json")
	_, _ = f.Write([]byte(`{"x":"` + secret + `"}`))
	_ = zw.Close()
	for name, data := range map[string][]byte{"bundle.tar.gz": tarred.Bytes(), "bundle.zip": zipped.Bytes(), "db": []byte("\x00" + secret + "\x00")} {
		dir := t.TempDir()
		if got, err := c.FindIn(dir); len(got) > 0 || err != nil {
			t.Fatal(got, err)
		}
		if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "a", "b", name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := c.FindIn(dir); len(got) != 1 || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, secret+".json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := c.FindIn(dir); len(got) != 1 || err != nil {
		t.Errorf("file name: %v, %v", got, err)
	}
	if _, err := c.FindIn(filepath.Join(dir, "nothing")); err != nil {
		t.Errorf("missing folder: %v", err)
	}
}
