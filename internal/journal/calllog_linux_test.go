package journal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// callLog is the file system calls of a process, in order.
type callLog struct {
	dir   string
	calls []call
	begun map[string]call // by process: calls that strace prints in two parts
}

// call is one system call that changes a file or prints an acknowledgement.
type call struct {
	name     string
	path, to string // relative to the state directory, or absolute
	data     []byte
	off      int64
	create   bool
}

var (
	lineForm   = regexp.MustCompile(`^(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)$`)
	stringForm = regexp.MustCompile(`"((?:\\x[0-9a-f]{2})*)"`)
	fdForm     = regexp.MustCompile(`^-?\w+<([^>]*)>`)
	numbers    = regexp.MustCompile(`, (\d+)`)
)

func decodeHex(s string) string {
	b, err := strconv.Unquote(`"` + s + `"`)
	if err != nil {
		return s
	}
	return b
}

func (p *callLog) read(line string) error {
	m := lineForm.FindStringSubmatch(strings.TrimSpace(line))
	if m == nil {
		return nil // "+++ exited with 0 +++"
	}
	if p.begun == nil {
		p.begun = map[string]call{}
	}
	if m[2] != "" {
		c, ok := p.begun[m[1]]
		delete(p.begun, m[1])
		if ok && !strings.Contains(m[4], "= -1 ") {
			p.calls = append(p.calls, c)
		}
		return nil
	}
	c, known, err := p.parse(m[3], m[4])
	switch {
	case err != nil:
		return fmt.Errorf("%w: %.200s", err, line)
	case !known:
	case strings.HasSuffix(m[4], "<unfinished ...>"):
		p.begun[m[1]] = c
	case !strings.Contains(m[4], "= -1 "):
		p.calls = append(p.calls, c)
	}
	return nil
}

func (p *callLog) parse(name, args string) (c call, known bool, err error) {
	var texts []string
	for _, s := range stringForm.FindAllStringSubmatch(args, -1) {
		texts = append(texts, decodeHex(s[1]))
	}
	c.name = name
	if fd := fdForm.FindStringSubmatch(args); fd != nil {
		c.path = p.relative(decodeHex(fd[1]))
	}
	after := args
	if i := strings.LastIndex(args, `"`); i >= 0 {
		after = args[i+1:]
	}
	ints := numbers.FindAllStringSubmatch(after, -1)
	num := func(i int) int64 {
		if i >= len(ints) {
			err = errors.New("a number is missing")
			return 0
		}
		n, _ := strconv.ParseInt(ints[i][1], 10, 64)
		return n
	}
	switch name {
	case "openat":
		if len(texts) == 0 {
			return c, false, nil
		}
		c.path, c.create = p.relative(texts[0]), strings.Contains(args, "O_CREAT")
		return c, c.create, err
	case "pwrite64":
		if len(texts) != 1 {
			return c, false, errors.New("no data")
		}
		c.data, c.off = []byte(texts[0]), num(1)
	case "write":
		if len(texts) != 1 {
			return c, false, nil
		}
		c.data, c.off = []byte(texts[0]), -1
	case "ftruncate":
		c.off = num(0)
	case "linkat", "renameat":
		if len(texts) != 2 {
			return c, false, errors.New("not two names")
		}
		c.path, c.to = p.relative(texts[0]), p.relative(texts[1])
	case "unlinkat":
		if len(texts) == 0 {
			return c, false, errors.New("no name")
		}
		c.path = p.relative(texts[0])
	case "fdatasync", "fsync":
	default:
		return c, false, nil
	}
	return c, true, err
}

// relative returns a path relative to the state directory; "." is the directory itself.
func (p *callLog) relative(path string) string {
	path = strings.TrimSuffix(path, " (deleted)")
	if in, ok := strings.CutPrefix(path, p.dir+"/"); ok {
		return in
	}
	if path == p.dir {
		return "."
	}
	return path
}

func (p *callLog) countFlushes() (n int) {
	for _, c := range p.calls {
		if c.name == "fdatasync" || c.name == "fsync" {
			n++
		}
	}
	return n
}

// diskState is a disk with its durable and its pending content, and what had been printed and requested by then.
type diskState struct {
	names   map[string]*inode // as the process sees it
	durable map[string]*inode // what certainly survives a cut
	moved   []func(map[string]*inode)
	acked   ackedStages
	pushed  []string
}

type inode struct {
	stable  []byte
	pending []call // writes and truncations
}

// replay applies the first n calls. A flush of a file makes its content durable, one of the directory its names; with
// noFlush nothing becomes durable.
func (p *callLog) replay(n int, noFlush bool) *diskState {
	w := &diskState{names: map[string]*inode{}, durable: map[string]*inode{}, acked: ackedStages{}}
	for _, c := range p.calls[:n] {
		w.applyCall(c, noFlush)
	}
	return w
}

func (w *diskState) applyCall(c call, noFlush bool) {
	move := func(f func(map[string]*inode)) {
		f(w.names)
		w.moved = append(w.moved, f)
	}
	f := w.names[c.path]
	switch c.name {
	case "openat":
		if f == nil && !filepath.IsAbs(c.path) {
			made := &inode{}
			move(func(m map[string]*inode) { m[c.path] = made })
		}
	case "linkat":
		move(func(m map[string]*inode) { m[c.to] = f })
	case "renameat":
		move(func(m map[string]*inode) { delete(m, c.path); m[c.to] = f })
	case "unlinkat":
		move(func(m map[string]*inode) { delete(m, c.path) })
	case "write":
		switch text := string(c.data); {
		case strings.HasPrefix(text, "ack "), strings.HasPrefix(text, "queued "):
			w.acked.addOutput(text, "ack", "queued")
		case filepath.Base(c.path) == pushesName:
			w.pushed = append(w.pushed, strings.TrimSpace(text))
		case f != nil:
			c.off = f.size()
			f.pending = append(f.pending, c)
		}
	case "pwrite64", "ftruncate":
		if f != nil {
			f.pending = append(f.pending, c)
		}
	case "fdatasync", "fsync":
		switch {
		case noFlush:
		case c.path == ".":
			for _, f := range w.moved {
				f(w.durable)
			}
			w.moved = nil
		case f != nil:
			f.stable, f.pending = applyWrites(f.stable, f.pending), nil
		}
	}
}

func (f *inode) size() int64 {
	return int64(len(applyWrites(append([]byte(nil), f.stable...), f.pending)))
}

func applyWrites(b []byte, calls []call) []byte {
	for _, c := range calls {
		end := c.off + int64(len(c.data))
		if c.name == "ftruncate" && c.off < int64(len(b)) {
			b = b[:c.off]
		}
		if grow := end - int64(len(b)); grow > 0 {
			b = append(b, make([]byte, grow)...)
		}
		copy(b[c.off:], c.data)
	}
	return b
}

// cutModes are what can survive of what was not flushed.
var cutModes = []string{"nothing", "all", "the first part", "any part", "a torn sector"}

const sector = 512

func survivingCalls(pending []call, mode int, dice *rand.Rand) []call {
	switch cutModes[mode] {
	case "nothing":
		return nil
	case "all":
		return pending
	case "any part": // blocks are written in any order; the newer of two for one block wins
		var out []call
		for _, c := range pending {
			if c.name == "ftruncate" {
				out = append(out, c) // the file system's journal makes the size durable
				continue
			}
			for i := 0; i < len(c.data); i += sector {
				if part := c; dice.IntN(2) == 0 {
					part.off, part.data = c.off+int64(i), c.data[i:min(i+sector, len(c.data))]
					out = append(out, part)
				}
			}
		}
		return out
	}
	out := append([]call(nil), pending[:dice.IntN(len(pending)+1)]...)
	if n := len(out) - 1; n >= 0 && cutModes[mode] == "a torn sector" && len(out[n].data) > 0 {
		out[n].data = out[n].data[:dice.IntN(len(out[n].data))]
	}
	return out
}

// write writes the disk as a cut leaves it into a directory.
func (w *diskState) write(dir string, seed uint64, mode int) error {
	dice := rand.New(rand.NewPCG(seed, 7))
	names := map[string]*inode{}
	for name, f := range w.durable {
		names[name] = f
	}
	// The directory's changes are durable in order, up to some point.
	reached := map[string]int{"nothing": 0, "all": len(w.moved)}
	n, ok := reached[cutModes[mode]]
	if !ok {
		n = dice.IntN(len(w.moved) + 1)
	}
	for _, f := range w.moved[:n] {
		f(names)
	}
	for name, f := range names {
		if f == nil {
			continue
		}
		b := applyWrites(append([]byte(nil), f.stable...), survivingCalls(f.pending, mode, dice))
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
