// Command docs writes the documents that come from the code: the tables of settings and exit codes, the manual pages, the
// completion for bash, zsh and fish, and the example of a settings file.
//
//	go run ./tools/docs           writes them, from the root of the repository
//	go run ./tools/docs -check    writes nothing and fails if one is out of date
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("docs", flag.ContinueOnError)
	flags.SetOutput(stderr)
	check := flags.Bool("check", false, "write nothing; fail if a document is out of date")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if err := update(".", *check); err != nil {
		fmt.Fprintln(stderr, "docs:", err)
		return 1
	}
	return 0
}

// document is a file that is generated, wholly or in part.
type document struct {
	file string // path from the root of the repository
	// text returns the new content for the old one, which is empty if the file does not exist.
	text func(old string) (string, error)
}

// documents returns all generated documents of the repository at root.
func documents(root string) ([]document, error) {
	tables, err := tableDocuments(root)
	if err != nil {
		return nil, err
	}
	verbs, err := readVerbs(root)
	if err != nil {
		return nil, err
	}
	all := append(tables, manualPages(verbs)...)
	all = append(all, whole("scripts/debian/kiosk.bash", completion(verbs)),
		whole("scripts/debian/kiosk.zsh", zshCompletion(verbs)), whole("scripts/debian/kiosk.fish", fishCompletion(verbs)),
		whole("systemd/kiosk.env.example", exampleSettings()))
	return all, nil
}

// whole is a document that is generated as a whole.
func whole(file, text string) document {
	return document{file, func(string) (string, error) { return text, nil }}
}

// update writes all documents below root. With check it only compares, and its error names each document that differs.
func update(root string, check bool) error {
	all, err := documents(root)
	if err != nil {
		return err
	}
	problems := []error{strayPages(root, all)}
	for _, d := range all {
		path := filepath.Join(root, d.file)
		old, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		text, err := d.text(string(old))
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("%s: %w", d.file, err))
		case text == string(old):
		case check:
			problems = append(problems, fmt.Errorf("%s is out of date; run `make docs`", d.file))
		default:
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				return err
			}
		}
	}
	return errors.Join(problems...)
}

// strayPages reports manual pages that no verb has any more.
func strayPages(root string, all []document) error {
	found, err := filepath.Glob(filepath.Join(root, manualDir, "*"))
	if err != nil {
		return err
	}
	var problems []error
	for _, path := range found {
		file := filepath.Join(manualDir, filepath.Base(path))
		if !slices.ContainsFunc(all, func(d document) bool { return d.file == file }) {
			problems = append(problems, fmt.Errorf("%s is not generated any more; delete it", file))
		}
	}
	return errors.Join(problems...)
}
