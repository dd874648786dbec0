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

// EnvFile is a file of variables as systemd's EnvironmentFile= reads it.
type EnvFile struct {
	Path string
	Vars []Var // in the order of the file, each name once
}

// Var is one line of it.
type Var struct {
	Name  string
	Value string
	Line  int // from 1
}

// LoadFile reads such a file. It takes the part of systemd's syntax that leaves
// no doubt, and refuses the rest, so that a technician's command never
// understands a file otherwise than the service does:
//
//	# a comment, or ; a comment, on a line of its own
//	NAME=plain value up to the end of the line
//	NAME='anything but a backslash or this quote'
//	NAME="with \", \\, \$ and \` for the signs themselves"
//
// Errors read "path:line:column: cause", one a line, and hold no value.
func LoadFile(path string) (*EnvFile, error) {
	data, _, err := readFile(path, false, maxFile)
	if err != nil && !errors.Is(err, errEmpty) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	vars, err := parseEnv(path, string(data))
	if err != nil {
		return nil, err
	}
	return &EnvFile{Path: path, Vars: vars}, nil
}

// dropIns is what is added to a file's name for the folder of files that go before it:
// an operator's tool has files of its own there, and never edits a technician's.
const dropInSuffix = ".d"

// LoadFiles reads such a file and those of the folder beside it, path with .d behind:
// all that end in .env, in the order of their names, as the units' EnvironmentFile=
// does. It gives them as Load wants them: the last one, which wins, first. Lax says
// that there need not be a file, and that this process need not be allowed to read it.
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
		}
	}
	return files, errors.Join(faults...)
}

// escapeGlob is a path that stands for itself in a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

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

// parseLine reads one line; no name means that there is nothing on it.
func parseLine(row string) (v Var, at int, err error) {
	if !utf8.ValidString(row) {
		return v, 0, errors.New("not UTF-8")
	}
	if at = strings.IndexFunc(row, func(r rune) bool { return r != '\t' && unicode.IsControl(r) }); at >= 0 {
		return v, at, errors.New("a control character")
	}
	start := len(row) - len(strings.TrimLeft(row, " \t"))
	if start == len(row) || row[start] == '#' || row[start] == ';' {
		return v, 0, nil
	}
	name, _, ok := strings.Cut(row[start:], "=")
	switch {
	case strings.HasPrefix(name, "export "):
		return v, start, errors.New("no export here: systemd does not know it")
	case !ok:
		return v, start, errors.New("a line is NAME=value, and here is no =")
	case !isName(name):
		return v, start, errors.New("a name has letters, digits and _ only, no space before the =")
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

// parseValue reads what stands behind the = from row[from:].
func parseValue(row string, from int) (value string, at int, err error) {
	rest := row[from:]
	if rest == "" || rest[0] != '\'' && rest[0] != '"' {
		plain := strings.TrimRight(rest, " \t")
		if i := strings.IndexAny(plain, `"'\`); i >= 0 {
			return "", from + i, errors.New(`quotes and backslashes only in a value that is quoted as a whole`)
		}
		for i := 1; i < len(plain); i++ {
			if plain[i] == '#' && (plain[i-1] == ' ' || plain[i-1] == '\t') {
				return "", from + i, errors.New("a comment needs its own line; quote the value if this is part of it")
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
				return "", from + i + 1, errors.New("something behind the closing quote")
			}
			return b.String(), 0, nil
		case c != '\\':
			b.WriteByte(c)
		case quote == '\'':
			return "", from + i, errors.New("no backslash between single quotes; use double quotes")
		case i+1 < len(rest) && strings.IndexByte("\"\\$`", rest[i+1]) >= 0:
			i++
			b.WriteByte(rest[i])
		default:
			return "", from + i, errors.New("a backslash goes before \", \\, $ or ` only")
		}
	}
	return "", from, errors.New("the quote is not closed on this line")
}
