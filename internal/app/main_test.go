package app

import (
	"os"
	"testing"
)

// TestMain keeps the secrets of a kiosk that this machine may be itself out of the tests.
func TestMain(m *testing.M) {
	os.Setenv("CREDENTIALS_DIRECTORY", "/nowhere")
	os.Exit(m.Run())
}
