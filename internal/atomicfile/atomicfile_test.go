package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// wantFile checks a file's content and mode, and that the directory holds nothing else.
func wantFile(t *testing.T, path, content string, mode fs.FileMode) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != content {
		t.Errorf("content %q, %v; want %q", got, err, content)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != mode {
		t.Errorf("mode %v, %v; want %v", info.Mode(), err, mode)
	}
	if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != 1 {
		t.Errorf("directory holds %v, %v; want one file", names, err)
	}
}

func TestWriteReplacesContentAndMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings")
	if err := Write(path, []byte("one"), 0o640, nil); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, "one", 0o640)
	if err := Write(path, []byte("two"), 0o600, nil); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, "two", 0o600)
}

func TestWriteReplacesASymlinkNotItsTarget(t *testing.T) {
	target := filepath.Join(t.TempDir(), "target")
	if err := os.WriteFile(target, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []byte("new"), 0o600, nil); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, "new", 0o600)
	wantFile(t, target, "precious", 0o600)
}

func TestFailedWriteLeavesTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings")
	if err := Write(path, []byte("old"), 0o600, nil); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	if err := Write(path, []byte("new"), 0o600, func(*os.File) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("error %v, want %v", err, refused)
	}
	// The write itself fails: prepare closes the file under it.
	if err := Write(path, []byte("new"), 0o600, (*os.File).Close); err == nil {
		t.Error("no error from a closed file")
	}
	wantFile(t, path, "old", 0o600)
}

func TestWriteNeedsTheDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "settings")
	if err := Write(path, nil, 0o600, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want %v", err, fs.ErrNotExist)
	}
}

func TestRemove(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings")
	if err := Write(path, nil, 0o600, nil); err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{"present", "absent"} {
		if err := Remove(path); err != nil {
			t.Errorf("%s: %v", state, err)
		}
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Remove: %v", err)
	}
}
