// The tests of this folder play the whole program, as a process of its own with
// real files, sockets, signals and terminals, against the development server.
// What a part does by itself is tested beside that part.
package main

import (
	"flag"
	"os/exec"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary the kiosk if it is started under that name: the tests run the real main, and nothing
// has to be built first.
func TestMain(m *testing.M) {
	// Visits mostly wait for seconds to pass, not for a processor, so
	// many can run at once. A -parallel on the command line still counts.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"kiosk": main})
}

// kioskPath is the path of the program under test.
func kioskPath(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("kiosk")
	if err != nil {
		t.Fatal(err)
	}
	return path
}
