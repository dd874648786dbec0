package store

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func TestDiskFull(t *testing.T) {
	s := openTest(t, testkit.MountDisk(t, "256k"))
	checkFullStore(t, s, fillStore(t, s))
}

func TestDiskFullAtTheFirstStart(t *testing.T) {
	dir := testkit.MountDisk(t, "64k")
	free := testkit.FillDisk(t, dir)
	if s, err := Open(Options{Dir: dir}); !errors.Is(err, ErrFull) {
		if err == nil {
			s.Close()
		}
		t.Fatalf("got %v", err)
	}
	free()
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatalf("with room again: %v", err)
	}
	defer s.Close()
	mustAppend(t, s, rec("v1", kiosk.StageAsking))
}

func TestReadOnlyDisk(t *testing.T) {
	dir := testkit.MountDisk(t, "1m")
	s := openTest(t, dir)
	appendVisit(t, s, "v1", kiosk.StageShown)
	s.Close()
	testkit.RemountDisk(t, dir, syscall.MS_RDONLY, "")
	if _, err := Open(Options{Dir: dir, Key: testKey}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("for writing: %v", err)
	}
	if _, err := Open(Options{Dir: filepath.Join(dir, "new"), Key: testKey}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a first start: %v", err)
	}
	r, err := Open(Options{Dir: dir, Key: testKey, ReadOnly: true})
	if err != nil {
		t.Fatalf("for reading: %v", err)
	}
	defer r.Close()
	if list, err := r.List(0, 10); err != nil || len(list) != 1 {
		t.Error(list, err)
	}
}

// TestMissingPermissionIsAnError drops root's capability to ignore permissions, for one thread that ends with the
// test.
func TestMissingPermissionIsAnError(t *testing.T) {
	for name, mode := range map[string]os.FileMode{dbName: 0, keyName: 0} {
		dir := t.TempDir()
		s, err := Open(Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
		before := fingerprint(t, dir)
		got := make(chan error)
		go func() {
			runtime.LockOSThread() // never unlocked: the thread is not used again
			if err := dropCapabilities(); err != nil {
				got <- err
				return
			}
			s, err := Open(Options{Dir: dir, Wait: testWait})
			if err == nil {
				s.Close()
			}
			got <- err
		}()
		want := map[string]error{dbName: ErrReadOnly, keyName: ErrKey}[name]
		if err := <-got; !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
		if os.Getuid() == 0 && fingerprint(t, dir) != before {
			t.Errorf("%s: something changed", name)
		}
	}
}

func dropCapabilities() error {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	if err := unix.Capget(&head, &caps[0]); err != nil {
		return err
	}
	caps[0].Effective &^= 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH
	return unix.Capset(&head, &caps[0])
}
