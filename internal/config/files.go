package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// maxFile is the largest size of a setting's file in bytes, far more than keys, layouts and a few certificates need. The tag
// max sets another limit: KIOSK_CA_FILE may name the bundle of a whole system, which has 219 kB.
const maxFile = 64 << 10

var errEmpty = errors.New("the file is empty")

// File is the file that a setting names, or the credential that replaces it, as Load read it.
type File struct {
	Path   string       // where it was read; empty if not set
	Data   kiosk.Secret // its contents; nil if not set or not readable
	Origin string       // as in Row
	Sealed bool         // encrypted, so that systemd decrypts it for the service only; Data is nil
}

// IsSet reports whether a file was read.
func (f File) IsSet() bool { return f.Data != nil }

// Text returns the contents without the newlines at the end, which editors add.
func (f File) Text() kiosk.Secret {
	s := f.Data
	for len(s) > 0 && (s[len(s)-1] == '\n' || s[len(s)-1] == '\r') {
		s = s[:len(s)-1]
	}
	return s
}

// The directories from which systemd loads the units' credentials. Names there begin with "kiosk.", as in
// LoadCredential=client-key:kiosk.client-key. In the second one, credentials are encrypted for the service.
var (
	credstore          = "/etc/credstore"
	encryptedCredstore = "/etc/credstore.encrypted"
)

// credentialsDir returns the directory of the service's credentials and the prefix of their names. In a shell, which has no
// such directory, it returns credstore: otherwise the doctor would report missing secrets on a healthy device.
func credentialsDir() (dir, prefix string) {
	dir = os.Getenv("CREDENTIALS_DIRECTORY")
	if !filepath.IsAbs(dir) {
		return credstore, "kiosk."
	}
	return filepath.Clean(dir), ""
}

// hiddenHint completes the message that a credential is missing if this user may not read the credentials' directory.
func hiddenHint() string {
	dir, prefix := credentialsDir()
	if _, err := os.ReadDir(dir); prefix != "" && errors.Is(err, fs.ErrPermission) {
		return "; it may be in " + dir + ", which only root can read"
	}
	return ""
}

// isSet reports whether a file or a credential is configured, readable or not.
func (f *file) isSet() bool { return f.text != "" || f.read.Path != "" }

// load reads the file, or the credential if no file is set, and stores a problem. private rejects files that other users can
// access. most is the largest size in bytes.
func (f *file) load(credential string, private bool, most int) {
	dir, prefix := credentialsDir()
	switch {
	case f.problem != "":
		return
	case f.text != "":
		f.read.Path = f.text
	case credential == "":
		return
	default:
		f.read.Path = filepath.Join(dir, prefix+credential)
		f.read.Origin = "credential " + credential
		_, err := os.Lstat(f.read.Path)
		if prefix != "" && err != nil {
			f.findSealed(credential)
			return
		}
		if errors.Is(err, fs.ErrNotExist) {
			f.read = File{}
			return
		}
	}
	// systemd protects the service's directory; files in it may have group permissions.
	isProtected := prefix == "" && filepath.Dir(filepath.Clean(f.read.Path)) == dir
	data, allowed, err := readFile(f.read.Path, private && !isProtected, most)
	if err != nil {
		f.reject(allowed, "%v", err)
		f.denied = errors.Is(err, fs.ErrPermission)
		return
	}
	f.read.Data = data
}

// findSealed looks for an encrypted credential if a shell found no plain one.
func (f *file) findSealed(credential string) {
	f.read.Path = filepath.Join(encryptedCredstore, "kiosk."+credential)
	if _, err := os.Lstat(f.read.Path); err != nil {
		f.read = File{}
		return
	}
	f.reject("", "is encrypted for the service only")
	f.denied, f.read.Sealed = true, true
}

// readFile reads a regular file of at most the given size. On an error, allowed says what would be valid. Errors contain no
// path.
func readFile(name string, private bool, most int) (data []byte, allowed string, err error) {
	const plain = "a file that the kiosk can read"
	// Without O_NONBLOCK opening a named pipe would wait for its other end.
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, plain, fmt.Errorf("cannot be opened: %w", withoutPath(err))
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, plain, fmt.Errorf("cannot be read: %w", withoutPath(err))
	case !info.Mode().IsRegular():
		return nil, plain, errors.New("is not a regular file")
	case private && info.Mode().Perm()&0o066 != 0:
		return nil, "a file that no other user can read or write: chmod 600",
			fmt.Errorf("others can read or write the file (mode %04o)", info.Mode().Perm())
	}
	data, err = io.ReadAll(io.LimitReader(f, int64(most)+1))
	switch {
	case err != nil:
		return nil, plain, fmt.Errorf("cannot be read: %w", withoutPath(err))
	case len(data) > most:
		return nil, fmt.Sprintf("at most %d bytes", most), errors.New("the file is too long")
	case strings.TrimSpace(string(data)) == "":
		return nil, "a file that is not empty", errEmpty
	}
	return data, "", nil
}

// withoutPath returns a file error without the operation and the path.
func withoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// displayPath returns the path for messages. If no such file exists, the value may be the secret itself, so only an existing
// directory is shown.
func (f *file) displayPath() string {
	if f.text == "" {
		return f.read.Path
	}
	if _, err := os.Lstat(f.text); err == nil {
		return f.text
	}
	dir := filepath.Dir(f.text)
	if info, err := os.Stat(dir); err == nil && info.IsDir() && filepath.IsAbs(dir) && dir != "/" {
		return filepath.Join(dir, "[hidden]")
	}
	return "[hidden]"
}
