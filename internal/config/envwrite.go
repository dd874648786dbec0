package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ciba-kiosk/ciba-kiosk/internal/atomicfile"
)

// WriteFile sets variables in an environment file and returns when the file is on disk. A line that sets a variable is
// replaced in place; without one, a line that has it as a comment (#NAME=); without either, a line is appended. Other
// lines, the owner and the mode stay. A new file has mode 0640. If nothing changes, nothing is written. A value must be
// one line.
func WriteFile(path string, vars []Var) error {
	fail := func(err error) error { return fmt.Errorf("%s: %w", path, err) }
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail(withoutPath(err))
	}
	if len(old) > maxFile {
		return fail(errors.New("the file is too long"))
	}
	text, err := setVars(string(old), vars)
	if err != nil {
		return fail(err)
	}
	if text == string(old) {
		return nil
	}
	// Reading the result back catches values that LoadFile does not accept.
	if _, err := parseEnv(path, text); err != nil {
		return err
	}
	if err := replaceFile(path, []byte(text)); err != nil {
		return fail(withoutPath(err))
	}
	return nil
}

// setVars returns the text of an environment file with the variables set.
func setVars(text string, vars []Var) (string, error) {
	rows := strings.SplitAfter(text, "\n")
	for _, v := range vars {
		quoted, err := quote(v.Value)
		if err != nil {
			return "", fmt.Errorf("%s: %w", v.Name, err)
		}
		row := v.Name + "=" + quoted + "\n"
		at := -1
		for i, r := range rows {
			r = strings.TrimSpace(r)
			if strings.HasPrefix(r, v.Name+"=") {
				at = i
				break
			}
			if at < 0 && strings.HasPrefix(r, "#"+v.Name+"=") {
				at = i
			}
		}
		switch {
		case at >= 0:
			rows[at] = row
		default:
			if last := len(rows) - 1; rows[last] != "" && !strings.HasSuffix(rows[last], "\n") {
				rows[last] += "\n"
			}
			rows = append(rows, row)
		}
	}
	return strings.Join(rows, ""), nil
}

// quote returns a value so that LoadFile and systemd read it alike.
func quote(value string) (string, error) {
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", errors.New("the value contains a control character")
	}
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.:/@+,%", r)
	}
	if value != "" && !strings.ContainsFunc(value, func(r rune) bool { return !plain(r) }) {
		return value, nil
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`").Replace(value) + `"`, nil
}

// replaceFile replaces the file at path, or creates it. A replaced file keeps its mode and owner; a new one has mode 0640 and
// the directory's group, whose members read it.
func replaceFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	mode, uid, gid := fs.FileMode(0o640), -1, -1
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
		if s, ok := info.Sys().(*syscall.Stat_t); ok {
			uid, gid = int(s.Uid), int(s.Gid)
		}
	} else if info, err := os.Stat(filepath.Dir(path)); err == nil {
		if s, ok := info.Sys().(*syscall.Stat_t); ok {
			gid = int(s.Gid)
		}
	}
	return atomicfile.Write(path, data, mode, func(f *os.File) error {
		if err := f.Chown(uid, gid); err != nil && os.Geteuid() == 0 {
			return err
		}
		return nil
	})
}
