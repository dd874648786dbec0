package config

import (
	"os"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
)

// TestServerSettings loads the settings that docs/servers.md recommends for each authorization server.
func TestServerSettings(t *testing.T) {
	text, err := os.ReadFile("../../docs/servers.md")
	if err != nil {
		t.Fatal(err)
	}
	const keyFile = "/etc/credstore/kiosk.client-key"
	server, blocks := "", 0
	var pairs []string
	for line := range strings.Lines(string(text) + "\n") {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			server = strings.TrimSpace(heading)
		}
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && strings.HasPrefix(line, "    KIOSK_") {
			if value == keyFile {
				value = testkit.SecretFile(t, "-")
			}
			pairs = append(pairs, name, value)
			continue
		}
		if len(pairs) == 0 {
			continue
		}
		blocks++
		t.Run(server, func(t *testing.T) {
			emptyEnv(t)
			testkit.SetEnv(t, pairs...)
			if _, err := Load(); err != nil {
				t.Error(err)
			}
		})
		pairs = nil
	}
	if blocks < 6 {
		t.Errorf("only %d blocks of settings found", blocks)
	}
}
