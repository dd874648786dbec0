package ioctl

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A pipe returns the number of its unread bytes. A plain file has no driver, and a closed file is an error.
func TestDo(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, err := w.WriteString("waiting"); err != nil {
		t.Fatal(err)
	}
	var unread int32
	if err := Do(r, unix.TIOCINQ, unsafe.Pointer(&unread)); err != nil || unread != 7 {
		t.Errorf("%d bytes, %v", unread, err)
	}

	f, err := os.Create(filepath.Join(t.TempDir(), "plain"))
	if err != nil {
		t.Fatal(err)
	}
	var size unix.Winsize
	if err := Do(f, unix.TIOCGWINSZ, unsafe.Pointer(&size)); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("a plain file: %v", err)
	}
	f.Close()
	if err := Do(f, unix.TIOCGWINSZ, unsafe.Pointer(&size)); err == nil {
		t.Error("a closed file is no error")
	}
}
