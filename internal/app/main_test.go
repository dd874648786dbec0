package app

import (
	"os"
	"testing"
)

// TestMain hides the credentials of a kiosk that may be installed on this machine.
func TestMain(m *testing.M) {
	os.Setenv("CREDENTIALS_DIRECTORY", "/nowhere")
	os.Exit(m.Run())
}
