package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/headless"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// open makes an App from settings in the environment, in a state folder of its own.
func open(t *testing.T, log *bytes.Buffer, settings ...string) *App {
	t.Helper()
	return openAt(t, slog.LevelDebug, log, settings...)
}

// openAt is open with a log that begins at a level.
func openAt(t *testing.T, least slog.Level, log *bytes.Buffer, settings ...string) *App {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "KIOSK_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	t.Setenv("STATE_DIRECTORY", t.TempDir())
	for i := 0; i+1 < len(settings); i += 2 {
		t.Setenv(settings[i], settings[i+1])
	}
	s, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(s, "test", slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: least})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// secretFile writes a secret where only we can read it.
func secretFile(t *testing.T, secret string) string {
	t.Helper()
	path := t.TempDir() + "/secret"
	if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// visit plays one `kiosk login --json`, with user codes to type, and gives its lines.
func visit(t *testing.T, ctx context.Context, a *App, who string, codes ...string) (kiosk.Reason, []headless.Line) {
	t.Helper()
	var out bytes.Buffer
	why, err := a.Login(ctx, kiosk.Secret(who), true, &out, func(context.Context) kiosk.Secret {
		if len(codes) == 0 {
			return nil
		}
		c := codes[0]
		codes = codes[1:]
		return kiosk.Secret(c)
	})
	if err != nil {
		t.Fatal(err)
	}
	var lines []headless.Line
	for sc := bufio.NewScanner(&out); sc.Scan(); {
		var l headless.Line
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			t.Fatalf("%v in %q", err, sc.Text())
		}
		lines = append(lines, l)
	}
	if len(lines) == 0 {
		t.Fatal("no line at all")
	}
	return why, lines
}
