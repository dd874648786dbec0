package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func TestFirstStartCreatesPrivateFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "var", "state")
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, mode := range map[string]os.FileMode{"": os.ModeDir | 0o700, dbName: 0o600, keyName: 0o600, holderName: 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != mode {
			t.Errorf("%q has mode %v, want %v", name, info.Mode(), mode)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("more than database, key and holder: %v %v", entries, err)
	}
}

func TestKeyFileIsCreatedOnce(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		s, err := Open(Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := s.Unfinished(); err != nil || len(r) > 1 {
			t.Fatal(r, err)
		} else if len(r) == 0 {
			mustAppend(t, s, rec("v1", kiosk.StageAsking))
		} else if string(r[0].Secrets.Identifier) != "alice-v1" {
			t.Fatal("the identifier differs")
		}
		s.Close()
	}
}

func TestTwoFirstStartsAtOnceAgree(t *testing.T) {
	dir := t.TempDir()
	const n = 8
	errs := make(chan error, n)
	for i := range n {
		go func() {
			s, err := Open(Options{Dir: dir, Wait: 20 * time.Second})
			if err == nil {
				err = s.Append(rec(fmt.Sprintf("v%d", i), kiosk.StageAsking))
				s.Close()
			}
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if r, err := s.Unfinished(); err != nil || len(r) != n {
		t.Errorf("%d records, %v", len(r), err)
	}
}

func TestOpenRemovesTemporaryFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{dbName + ".new-1", keyName + ".new-1"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	openTest(t, dir)
	left, _ := filepath.Glob(filepath.Join(dir, "*.new-*"))
	if len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestPermissionsAreRestricted(t *testing.T) {
	dir := t.TempDir()
	openTest(t, dir).Close()
	for _, c := range []struct {
		path       string
		wide, want os.FileMode
	}{{dir, 0o755, 0o700}, {filepath.Join(dir, dbName), 0o666, 0o600}} {
		if err := os.Chmod(c.path, c.wide); err != nil {
			t.Fatal(err)
		}
		openTest(t, dir).Close()
		if info, err := os.Stat(c.path); err != nil || info.Mode().Perm() != c.want {
			t.Errorf("mode %v, want %v (%v)", info.Mode().Perm(), c.want, err)
		}
	}
}

// A directory of other users, named by mistake, keeps its mode and everything in it.
func TestDirectoryWithOtherFilesIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		files []string // a trailing slash means a directory
		mode  os.FileMode
		fine  bool
	}{
		"empty":                              {nil, 0o755, true},
		"our files":                          {[]string{holderName, "kiosk.sock"}, 0o755, true},
		"our files, writable by all users":   {[]string{holderName}, 0o777, true},
		"temporary files of a power cut":     {[]string{dbName + ".new-ABC", keyName + ".new-ABC"}, 0o750, true},
		"another user's document":            {[]string{holderName, "accounts.ods"}, 0o755, false},
		"readable by the group":              {[]string{"accounts.ods"}, 0o750, false},
		"open to all users":                  {[]string{"accounts.ods"}, 0o711, false},
		"a hidden file":                      {[]string{".profile"}, 0o755, false},
		"another user's directory":           {[]string{"photos/"}, 0o755, false},
		"a directory with a name of ours":    {[]string{"kiosk.sock/"}, 0o755, false},
		"a name that only begins as ours":    {[]string{"kiosk.db.bak"}, 0o755, false},
		"other files in a private directory": {[]string{"accounts.ods", "photos/"}, 0o700, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, f := range c.files {
				path := filepath.Join(dir, f)
				var err error
				if strings.HasSuffix(f, "/") {
					err = os.Mkdir(path, 0o755)
				} else {
					err = os.WriteFile(path, []byte("something"), 0o644)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(dir, c.mode); err != nil {
				t.Fatal(err)
			}
			before := fingerprint(t, dir)
			s, err := Open(Options{Dir: dir, Wait: testWait})
			if err == nil {
				s.Close()
			}
			info, statErr := os.Stat(dir)
			if statErr != nil {
				t.Fatal(statErr)
			}
			if c.fine {
				if err != nil || info.Mode().Perm() != 0o700 {
					t.Errorf("mode %v, %v", info.Mode().Perm(), err)
				}
				return
			}
			if !errors.Is(err, ErrNotOurs) || !strings.Contains(err.Error(), "chmod 700") || !strings.Contains(err.Error(), "another directory") {
				t.Errorf("got %v", err)
			}
			if info.Mode().Perm() != c.mode || fingerprint(t, dir) != before {
				t.Errorf("something changed; the mode is %v", info.Mode().Perm())
			}
		})
	}
}

func TestSharedDirectoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir, Key: testKey}); !errors.Is(err, ErrNotOurs) {
		t.Errorf("got %v", err)
	}
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o777 {
		t.Error("its mode was changed")
	}
}

func TestOtherUsersFilesAreRefused(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: only root can give a file away")
	}
	for _, name := range []string{"", dbName} {
		dir := t.TempDir()
		openTest(t, dir).Close()
		if err := os.Chown(filepath.Join(dir, name), 65534, 65534); err != nil {
			t.Fatal(err)
		}
		before := fingerprint(t, dir)
		if _, err := Open(Options{Dir: dir, Key: testKey}); !errors.Is(err, ErrNotOurs) {
			t.Errorf("%q: got %v", name, err)
		}
		if fingerprint(t, dir) != before {
			t.Errorf("%q: something changed", name)
		}
	}
}

// Root may read what belongs to the kiosk's user, as with sudo kiosk journal list, but not write it.
func TestRootReadsTheKiosksFiles(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: only root can give a file away")
	}
	dir := t.TempDir()
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	appendVisit(t, s, "v1", kiosk.StageShown)
	s.Close()
	for _, name := range []string{"", dbName, keyName} {
		if err := os.Chown(filepath.Join(dir, name), 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	before := fingerprint(t, dir)
	r, err := Open(Options{Dir: dir, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if v, err := r.Show("v1"); err != nil || v.Stage != kiosk.StageShown {
		t.Errorf("%+v, %v", v, err)
	}
	if w, err := Open(Options{Dir: dir, Wait: testWait}); !errors.Is(err, ErrNotOurs) {
		if err == nil {
			w.Close()
		}
		t.Errorf("for writing: %v, want %v", err, ErrNotOurs)
	}
	if fingerprint(t, dir) != before {
		t.Error("something changed")
	}
}

func TestLockedErrorNamesTheProcess(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	before := fingerprint(t, dir)
	for range 2 {
		_, err := Open(Options{Dir: dir, Key: testKey, Wait: testWait})
		var locked *LockedError
		if !errors.Is(err, ErrLocked) || !errors.As(err, &locked) {
			t.Fatalf("got %v", err)
		}
		if locked.PID != os.Getpid() || locked.Process != "test run" {
			t.Errorf("got %+v", locked)
		}
		if want := fmt.Sprintf("store: another kiosk process (pid %d, `test run`) has the database open; try again when it has ended", os.Getpid()); err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}
	}
	if fingerprint(t, dir) != before {
		t.Error("something changed")
	}
	s.Close()
	openTest(t, dir)
}

func TestOpenWaitsTwoSecondsForTheLock(t *testing.T) {
	dir := t.TempDir()
	openTest(t, dir)
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := Open(Options{Dir: dir, Key: testKey})
		if took := time.Since(start); !errors.Is(err, ErrLocked) || took < time.Second || took > 2*time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	for _, dir := range []string{dir, filepath.Join(dir, "nowhere")} {
		if _, err := Open(Options{Dir: dir, Key: testKey, ReadOnly: true}); !errors.Is(err, ErrAbsent) {
			t.Errorf("no store: %v", err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Error("it created one")
	}
	s := openTest(t, dir)
	appendVisit(t, s, "v1", kiosk.StageEnded)
	s.Close()
	before := fingerprint(t, dir)
	for range 2 { // two readers at once
		r, err := Open(Options{Dir: dir, Key: testKey, ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if list, err := r.List(0, 10); err != nil || len(list) != 1 {
			t.Error(list, err)
		}
		if err := r.Append(rec("v2", kiosk.StageAsking)); !errors.Is(err, ErrReadOnly) {
			t.Errorf("append: %v", err)
		}
		if _, err := r.Prune(noon.Add(time.Hour)); !errors.Is(err, ErrReadOnly) {
			t.Errorf("prune: %v", err)
		}
	}
	if fingerprint(t, dir) != before {
		t.Error("something changed")
	}
}

func TestKeyFiles(t *testing.T) {
	hex64 := strings.Repeat("0a", keySize)
	for _, c := range []struct {
		name, text string
		mode       os.FileMode
		fine       bool
	}{
		{"hexadecimal digits", hex64, 0o600, true},
		{"hexadecimal digits on a line", hex64 + "\n", 0o400, true},
		{"raw bytes", strings.Repeat("\x00", keySize), 0o600, true},
		{"readable by all users", hex64, 0o604, false},
		{"readable by the group", hex64, 0o640, false},
		{"empty", "", 0o600, false},
		{"too short", hex64[2:], 0o600, false},
		{"too long", hex64 + "0a", 0o600, false},
		{"not hexadecimal", strings.Repeat("zz", keySize), 0o600, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, file := t.TempDir(), filepath.Join(t.TempDir(), "credential")
			if err := errors.Join(os.WriteFile(file, []byte(c.text), 0o600), os.Chmod(file, c.mode)); err != nil {
				t.Fatal(err)
			}
			s, err := Open(Options{Dir: dir, KeyFile: file})
			if err == nil {
				s.Close()
			}
			switch {
			case c.fine && err != nil:
				t.Error(err)
			case !c.fine && !errors.Is(err, ErrKey):
				t.Errorf("got %v", err)
			case err != nil && c.text != "" && strings.Contains(err.Error(), c.text):
				t.Error("the error shows the key")
			}
			if _, err := os.Stat(filepath.Join(dir, keyName)); err == nil {
				t.Error("it created a key")
			}
			if _, err := os.Stat(filepath.Join(dir, dbName)); !c.fine && err == nil {
				t.Error("it created a database without a key")
			}
		})
	}
	if _, err := Open(Options{Dir: t.TempDir(), KeyFile: "/nonexistent/key"}); !errors.Is(err, ErrKey) {
		t.Errorf("missing key file: %v", err)
	}
}
