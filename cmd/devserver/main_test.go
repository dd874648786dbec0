package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// startServer runs the program and reads its summary. stop ends it and returns the exit code.
func startServer(t *testing.T, args ...string) (lines map[string]string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, args, strings.NewReader(""), w, w)
		w.Close()
	}()
	lines = map[string]string{}
	scan := bufio.NewScanner(r)
	first := true
	for scan.Scan() {
		if first && !strings.Contains(scan.Text(), "DEVELOPMENT ONLY") {
			t.Errorf("the first line is %q", scan.Text())
		}
		first = false
		name, value, _ := strings.Cut(scan.Text(), ":")
		lines[name+" "+strings.Fields(value + " -")[0]] = strings.TrimSpace(value)
		if _, seen := lines[name]; !seen {
			lines[name] = strings.TrimSpace(value)
		}
		if strings.Contains(scan.Text(), "kiosk-device") {
			break
		}
	}
	go io.Copy(io.Discard, r)
	return lines, func() int { cancel(); return <-ended }
}

func TestServesUntilStopped(t *testing.T) {
	dir := t.TempDir()
	lines, stop := startServer(t, "--listen", "127.0.0.1:0", "--keys", filepath.Join(dir, "keys"), "--state", filepath.Join(dir, "state.json"))
	if !strings.HasPrefix(lines["issuer"], "http://127.0.0.1:") || strings.HasSuffix(lines["issuer"], ":0") {
		t.Fatalf("issuer: %q", lines["issuer"])
	}
	for _, url := range []string{lines["issuer"] + "/.well-known/openid-configuration", lines["phone page"]} {
		resp, err := http.Get(url)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%s: %v %v", url, resp, err)
		}
		resp.Body.Close()
	}
	stream, err := http.Get(lines["phone page"] + "/alice/events") // must not delay the shutdown
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	for _, name := range []string{"keys/kiosk-basic.secret", "keys/kiosk-post.secret", "keys/kiosk-jwt.pem", "keys/kiosk-jwt-rs.pem", "state.json"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "keys/kiosk-jwt.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	if _, err := x509.ParsePKCS8PrivateKey(block.Bytes); err != nil {
		t.Errorf("kiosk-jwt.pem: %v", err)
	}
	begin := time.Now()
	if code := stop(); code != exitOK || time.Since(begin) > shutdownTimeout {
		t.Errorf("exit code %d after %v", code, time.Since(begin))
	}
}

func TestServesHTTPS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	lines, stop := startServer(t, "--listen", "127.0.0.1:0", "--tls", "--ca-file", file)
	defer stop()
	ca, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	resp, err := client.Get(lines["issuer"] + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); !strings.Contains(string(body), `"issuer":"`+lines["issuer"]+`"`) || !strings.HasPrefix(lines["issuer"], "https://") {
		t.Errorf("%s", body)
	}
	client.CloseIdleConnections()
}

// The certificate is for the issuer's name as well: clients call that name.
func TestCertificateNamesTheIssuer(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca.pem")
	lines, stop := startServer(t, "--listen", "127.0.0.1:0", "--tls", "--ca-file", ca, "--issuer", "https://id.shop.example")
	defer stop()
	pem, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	address := strings.TrimSuffix(strings.TrimPrefix(lines["phone page"], "https://"), "/phone")
	conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots, ServerName: "id.shop.example"})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestBadUsageExitsTwo(t *testing.T) {
	for _, args := range [][]string{
		{"--colour"}, {"serve"}, {"--listen", "here"}, {"--expires", "0"}, {"--expires", "soon"}, {"--interval", "-1"},
		{"--auto", "maybe"}, {"--delay", "-1s"}, {"--tls", "--issuer", "http://x"}, {"--issuer", "x"},
	} {
		var out, bad strings.Builder
		code := run(t.Context(), args, nil, &out, &bad)
		if code != exitUsage || strings.Count(bad.String(), "\n") != 2 || !strings.Contains(bad.String(), "Try: devserver -h") || out.Len() > 0 {
			t.Errorf("%v: %d %q %q", args, code, out.String(), bad.String())
		}
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	var out, bad strings.Builder
	if code := run(t.Context(), []string{"-h"}, nil, &out, &bad); code != exitOK || bad.Len() > 0 {
		t.Fatalf("%d %s", code, bad.String())
	}
	for _, name := range []string{"listen", "issuer", "tls", "ca-file", "expires", "interval", "state", "keys", "auto", "delay"} {
		if !strings.Contains(out.String(), "--"+name+" ") {
			t.Errorf("-h does not describe --%s", name)
		}
	}
}

func TestFailuresExitOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--listen", "203.0.113.77:0"}, // an address of another machine
		{"--listen", "127.0.0.1:0", "--state", file},
		{"--listen", "127.0.0.1:0", "--keys", filepath.Join(file, "keys")},
		{"--listen", "127.0.0.1:0", "--tls", "--ca-file", filepath.Join(file, "ca.pem")},
	} {
		var bad strings.Builder
		if code := run(t.Context(), args, nil, io.Discard, &bad); code != exitFailed || !strings.HasPrefix(bad.String(), "devserver: ") {
			t.Errorf("%v: %d %q", args, code, bad.String())
		}
	}
}
