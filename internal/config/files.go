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

// maxFile is what a setting's file may hold: keys, secrets, layouts and a few
// certificates stay far below. A field with the tag max has its own limit: the
// bundle of a whole system, which KIOSK_CA_FILE may name, has 219 kB.
const maxFile = 64 << 10

var errEmpty = errors.New("the file is empty")

// File is a file that a setting names, or the credential in its place, as read
// at start.
type File struct {
	Path   string       // where it was read, for messages; empty: not set
	Data   kiosk.Secret // its contents; nil: not set
	Origin string       // as in Row
	Sealed bool         // it is encrypted, and systemd opens it for the service only: Data is nil
}

// IsSet says whether there is such a file.
func (f File) IsSet() bool { return f.Data != nil }

// Text is the contents without the newline at the end, which editors add.
func (f File) Text() kiosk.Secret {
	s := f.Data
	for len(s) > 0 && (s[len(s)-1] == '\n' || s[len(s)-1] == '\r') {
		s = s[:len(s)-1]
	}
	return s
}

// credstore is where systemd takes the credentials of the units from: the names there
// have the kiosk's in front, as in LoadCredential=client-key:kiosk.client-key. What is
// in the other folder is encrypted to the machine and for the service alone.
var (
	credstore          = "/etc/credstore"
	encryptedCredstore = "/etc/credstore.encrypted"
)

// credentialsDir is the folder in which systemd puts what LoadCredential= names, or, where
// there is none because this is a shell and not the service, the one where it takes it
// from: or the doctor would find secrets missing on a device that is well.
func credentialsDir() (dir, prefix string) {
	dir = os.Getenv("CREDENTIALS_DIRECTORY")
	if !filepath.IsAbs(dir) {
		return credstore, "kiosk."
	}
	return filepath.Clean(dir), ""
}

// hiddenHint ends the sentence that a credential is missing, where it may be there all the
// same: systemd's folder is not for this user to look into.
func hiddenHint() string {
	dir, prefix := credentialsDir()
	if _, err := os.ReadDir(dir); prefix != "" && errors.Is(err, fs.ErrPermission) {
		return "; unless it is in " + dir + ", where only root can look"
	}
	return ""
}

// isSet says whether there is such a file or credential, be it readable or not.
func (f *file) isSet() bool { return f.text != "" || f.read.Path != "" }

// load reads the file, or the credential if no file is set, and keeps what is
// wrong. most is how many bytes it may have.
func (f *file) load(credential string, secret bool, most int) {
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
	// systemd guards the service's folder; the files in it may show a group's bits.
	guarded := prefix == "" && filepath.Dir(filepath.Clean(f.read.Path)) == dir
	data, allowed, err := readFile(f.read.Path, secret && !guarded, most)
	if err != nil {
		f.reject(allowed, "%v", err)
		f.denied = errors.Is(err, fs.ErrPermission)
		return
	}
	f.read.Data = data
}

// findSealed looks for a credential that a shell did not find in clear: it is there for
// the service only, or there is none.
func (f *file) findSealed(credential string) {
	f.read.Path = filepath.Join(encryptedCredstore, "kiosk."+credential)
	if _, err := os.Lstat(f.read.Path); err != nil {
		f.read = File{}
		return
	}
	f.reject("", "it is encrypted for the service only")
	f.denied, f.read.Sealed = true, true
}

// readFile reads a regular file of at most so many bytes. Its errors name no path.
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
		return nil, plain, errors.New("that is no file")
	case private && info.Mode().Perm()&0o066 != 0:
		return nil, "a secret that nobody else can read or write: chmod 600 the file",
			fmt.Errorf("others can read or write the file (mode %04o)", info.Mode().Perm())
	}
	data, err = io.ReadAll(io.LimitReader(f, int64(most)+1))
	switch {
	case err != nil:
		return nil, plain, fmt.Errorf("cannot be read: %w", withoutPath(err))
	case len(data) > most:
		return nil, fmt.Sprintf("at most %d bytes", most), errors.New("the file is too long")
	case strings.TrimSpace(string(data)) == "":
		return nil, "a file with something in it", errEmpty
	}
	return data, "", nil
}

// withoutPath drops the path from a file error.
func withoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// displayPath gives the path as it may be shown. Somebody who writes the secret itself
// where its file belongs must not find it in a log: of a path that leads
// nowhere only the folder is shown, if there is one.
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
