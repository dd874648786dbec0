package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/headless"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// open opens an App with the given settings (pairs of names and values) in a state folder of its own.
func open(t *testing.T, log *bytes.Buffer, settings ...string) *App {
	t.Helper()
	return openWithLevel(t, slog.LevelDebug, log, settings...)
}

// openWithLevel is open with a lowest level of the log.
func openWithLevel(t *testing.T, level slog.Level, log *bytes.Buffer, settings ...string) *App {
	t.Helper()
	testkit.SetEnv(t, append([]string{"STATE_DIRECTORY", t.TempDir()}, settings...)...)
	s, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(s, "test", slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: level})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// visit runs one `kiosk login --json` with the given user codes and returns its lines.
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
		t.Fatal("no lines")
	}
	return why, lines
}
