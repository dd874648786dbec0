package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// EnvFile is an environment file, as systemd's EnvironmentFile= reads it.
type EnvFile struct {
	Path string
	Vars []Var // in the file's order; each name once
}

// Var is one variable of an EnvFile.
type Var struct {
	Name  string
	Value string
	Line  int // from 1
}

// LoadFile reads an environment file. It accepts only the unambiguous part of systemd's syntax, so that a technician's
// command and the service never read the same file differently:
//
//	# a comment, or ; a comment, on a line of its own
//	NAME=plain value up to the end of the line
//	NAME='anything but a backslash or this quote'
//	NAME="with \", \\, \$ and \` for these characters"
//
// An error has one line "path:line:column: cause" per fault and contains no value. A file with faults is returned with its other
// lines.
func LoadFile(path string) (*EnvFile, error) {
	data, _, err := readFile(path, false, maxFile)
	if err != nil && !errors.Is(err, errEmpty) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	vars, err := parseEnv(path, string(data))
	return &EnvFile{Path: path, Vars: vars}, err
}

// dropInSuffix makes the name of the directory of files that override a file. An operator's tool writes its own files
// there and never edits the technician's.
const dropInSuffix = ".d"

// LoadFiles reads an environment file and the files that override it: all *.env in the directory path.d, as the units'
// EnvironmentFile= does. It returns them in the order for Load: the file with the last name, which wins, is the first, and
// path itself the last. With lax, missing files and files that this process may not read are left out.
// With an error it returns what could be read.
func LoadFiles(path string, lax bool) ([]*EnvFile, error) {
	names, err := filepath.Glob(filepath.Join(escapeGlob(path)+dropInSuffix, "*.env"))
	if err != nil {
		return nil, fmt.Errorf("%s%s: %w", path, dropInSuffix, err)
	}
	var files []*EnvFile
	var faults []error
	for _, name := range append([]string{path}, names...) {
		f, err := LoadFile(name)
		switch {
		case err == nil:
			files = append([]*EnvFile{f}, files...)
		case lax && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)):
		default:
			faults = append(faults, err)
			if f != nil {
				files = append([]*EnvFile{f}, files...)
			}
		}
	}
	return files, errors.Join(faults...)
}

// escapeGlob returns a pattern that matches only this path.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// parseEnv parses a file's contents and reports all faults.
func parseEnv(path, data string) ([]Var, error) {
	var vars []Var
	var faults []error
	line := map[string]int{}
	for i, row := range strings.Split(strings.TrimPrefix(data, "\ufeff"), "\n") {
		row = strings.TrimSuffix(row, "\r")
		v, at, err := parseLine(row)
		v.Line = i + 1
		switch {
		case err == nil && v.Name == "":
			continue
		case err == nil && line[v.Name] > 0:
			err = fmt.Errorf("%s is already set in line %d", v.Name, line[v.Name])
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s:%d:%d: %w", path, i+1, at+1, err))
			continue
		}
		line[v.Name] = v.Line
		vars = append(vars, v)
	}
	return vars, errors.Join(faults...)
}

// parseLine parses one line. Without a name, the line is empty or a comment. On an error, at is its byte offset.
func parseLine(row string) (v Var, at int, err error) {
	if !utf8.ValidString(row) {
		return v, 0, errors.New("not UTF-8")
	}
	if at = strings.IndexFunc(row, func(r rune) bool { return r != '\t' && unicode.IsControl(r) }); at >= 0 {
		return v, at, errors.New("a control character is not allowed")
	}
	start := len(row) - len(strings.TrimLeft(row, " \t"))
	if start == len(row) || row[start] == '#' || row[start] == ';' {
		return v, 0, nil
	}
	name, _, ok := strings.Cut(row[start:], "=")
	switch {
	case strings.HasPrefix(name, "export "):
		return v, start, errors.New("no export: systemd does not support it")
	case !ok:
		return v, start, errors.New("a line is NAME=value; this one has no =")
	case !isName(name):
		return v, start, errors.New("a name has only letters, digits and _, and no space before the =")
	}
	from := start + len(name) + 1
	from += len(row[from:]) - len(strings.TrimLeft(row[from:], " \t"))
	v.Value, at, err = parseValue(row, from)
	if err != nil {
		return Var{}, at, err
	}
	v.Name = name
	return v, 0, nil
}

// isName reports whether s is a variable's name.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// parseValue parses the value in row[from:], after the =. On an error, at is its byte offset.
func parseValue(row string, from int) (value string, at int, err error) {
	rest := row[from:]
	if rest == "" || rest[0] != '\'' && rest[0] != '"' {
		plain := strings.TrimRight(rest, " \t")
		if i := strings.IndexAny(plain, `"'\`); i >= 0 {
			return "", from + i, errors.New(`quotes and backslashes are allowed only if the whole value is quoted`)
		}
		for i := 1; i < len(plain); i++ {
			if plain[i] == '#' && (plain[i-1] == ' ' || plain[i-1] == '\t') {
				return "", from + i, errors.New("a comment needs its own line; if this is part of the value, quote the value")
			}
		}
		return plain, 0, nil
	}
	var b strings.Builder
	quote := rest[0]
	for i := 1; i < len(rest); i++ {
		c := rest[i]
		switch {
		case c == quote:
			if strings.TrimLeft(rest[i+1:], " \t") != "" {
				return "", from + i + 1, errors.New("something follows the closing quote")
			}
			return b.String(), 0, nil
		case c != '\\':
			b.WriteByte(c)
		case quote == '\'':
			return "", from + i, errors.New("no backslash is allowed in single quotes; use double quotes")
		case i+1 < len(rest) && strings.IndexByte("\"\\$`", rest[i+1]) >= 0:
			i++
			b.WriteByte(rest[i])
		default:
			return "", from + i, errors.New("a backslash is allowed only before \", \\, $ and `")
		}
	}
	return "", from, errors.New("the quote is not closed on this line")
}
