package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFallbackScreen runs the shell script that the unit runs if the kiosk cannot start. Without systemd there are no
// messages of it to show; scripts/appliance/boot tests these.
func TestFallbackScreen(t *testing.T) {
	t.Parallel()
	script, err := filepath.Abs("../../systemd/fallback")
	if err != nil {
		t.Fatal(err)
	}
	settings := t.TempDir()
	file := filepath.Join(settings, "kiosk.env")
	write := func(what string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(what), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("KIOSK_ISSUR=x\n")
	// stand runs the script for some seconds and returns its output.
	stand := func(ctx context.Context, seconds string, drawn func()) (string, error) {
		cmd := exec.CommandContext(ctx, "sh", script, seconds, settings, filepath.Join(settings, "none"))
		cmd.Env = append(os.Environ(), "KIOSK_SITE=Parcel\x1b]0;x\astation")
		cmd.WaitDelay = time.Second // a sleep that outlives its shell holds the pipe
		var out bytes.Buffer
		first := make(chan struct{}, 1)
		cmd.Stdout = writerFunc(func(p []byte) (int, error) {
			select {
			case first <- struct{}{}:
			default:
			}
			return out.Write(p)
		})
		if err := cmd.Start(); err != nil {
			return "", err
		}
		<-first
		drawn()
		err := cmd.Wait()
		return out.String(), err
	}

	t.Run("it says that and why, and gives up after its time", func(t *testing.T) {
		said, err := stand(t.Context(), "1", func() {})
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"Parcel]0;xstation\n", "Out of service", "Außer Betrieb", "Please ask the staff.", "see  journalctl -u kiosk"} {
			if !strings.Contains(said, want) {
				t.Errorf("not on the screen: %q\n%q", want, said)
			}
		}
	})

	t.Run("who mends a setting does not wait for the minute", func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 40*time.Second*patience(), errors.New("it did not see the setting"))
		defer cancel()
		if _, err := stand(ctx, "600", func() { write("KIOSK_ISSUER=https://id.example\n") }); err != nil {
			t.Error(err, context.Cause(ctx))
		}
	})
}

// writerFunc is a function as an io.Writer.
type writerFunc func([]byte) (int, error)

func (w writerFunc) Write(p []byte) (int, error) { return w(p) }
