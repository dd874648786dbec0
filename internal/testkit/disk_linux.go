package testkit

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// MountDisk returns a directory that is a file system of its own, of so many bytes as size says (as in "64k"). It skips the
// test where mounting is not permitted.
func MountDisk(t testing.TB, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+size); err != nil {
		t.Skipf("NOT TESTED: a disk of %s cannot be mounted here: %v", size, err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// RemountDisk changes what MountDisk mounted: flags as of mount(2), for example syscall.MS_RDONLY, and options, for example
// "size=4m".
func RemountDisk(t testing.TB, dir string, flags uintptr, options string) {
	t.Helper()
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|flags, options); err != nil {
		t.Fatal(err)
	}
}

// FillDisk takes all room that is left on a disk. free gives it back.
func FillDisk(t testing.TB, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for page := make([]byte, 4096); err == nil; {
		_, err = f.Write(page)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
