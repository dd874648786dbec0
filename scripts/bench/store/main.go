// Command store measures the cost of recording a visit, in bytes and commits, and
// compares the store with SQLite. With many recorded visits it also measures a start, a
// listing, a verification and the memory. It is a module of its own, so that the product
// does not depend on SQLite.
//
//	go run . [-visits 200] [-sizes 10000,100000] [-dir FOLDER]
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// stages are the records of a successful visit.
var stages = []kiosk.Stage{kiosk.StageAsking, kiosk.StageAcknowledged, kiosk.StageGranted, kiosk.StageShown}

var began = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// record makes a record like the runner's, with tokens of a typical size.
func record(visit int, stage kiosk.Stage) kiosk.Record {
	up := time.Hour + time.Duration(visit)*time.Minute + time.Duration(stage)*time.Second
	r := kiosk.Record{
		Visit: fmt.Sprintf("VISIT%021d", visit), Stage: stage, Code: "KIT-42A",
		Wall: began.Add(up), Boot: "0f9d7c5e-1111-4222-8333-444455556666", Uptime: up,
	}
	if stage.Final() {
		return r
	}
	r.Secrets.Identifier = kiosk.Secret(fmt.Sprintf("customer-%d@example.org", visit%997))
	if stage >= kiosk.StageAcknowledged {
		r.Expires, r.Interval, r.Pause, r.Sent, r.SentAt = 2*time.Minute, 5*time.Second, 5*time.Second, up, r.Wall
		r.Secrets.RequestID = kiosk.Secret("1c266114-a1be-4252-8ad1-04986c5b9ac1")
	}
	if stage == kiosk.StageGranted {
		jwt := kiosk.Secret(strings.Repeat("eyJhbGciOiJFUzI1NiJ9.", 45))
		r.Secrets.Tokens = kiosk.Tokens{Access: jwt, ID: jwt, Type: "Bearer", Scope: "openid profile"}
	}
	return r
}

func main() {
	visits := flag.Int("visits", 200, "measured visits")
	sizes := flag.String("sizes", "10000,100000", "recorded visits with which a start is measured")
	dir := flag.String("dir", "", "folder on the measured disk; empty for the temporary folder")
	flag.Parse()
	if err := run(*visits, *sizes, *dir); err != nil {
		log.Fatal(err)
	}
}

func run(visits int, sizes, dir string) error {
	root, err := os.MkdirTemp(dir, "store-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	fmt.Printf("One visit of four records, each on disk before the next (average of %d visits in %s):\n\n", visits, filepath.Dir(root))
	fmt.Printf("%-28s %8s %14s %14s %12s %12s\n", "", "commits", "B written", "B at the disk", "ms", "B kept")
	for _, c := range []struct {
		name string
		open func(dir string) (journal, error)
	}{
		{"store (bbolt, sealed, chain)", openStore},
		{"SQLite, WAL, FULL", func(dir string) (journal, error) { return openSQLite(dir, "wal") }},
		{"SQLite, rollback, FULL", func(dir string) (journal, error) { return openSQLite(dir, "delete") }},
	} {
		if err := measureVisits(c.name, filepath.Join(root, c.name), c.open, visits); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	fmt.Printf("\nWith many recorded visits:\n\n%-10s %10s %14s %14s %14s %12s %14s\n",
		"visits", "file MiB", "start ms", "start heap KiB", "list 50 ms", "verify s", "next visit ms")
	for text := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		if err := measureSize(filepath.Join(root, text), n); err != nil {
			return err
		}
	}
	return nil
}

// journal is implemented by the store and by SQLite.
type journal interface {
	Append(kiosk.Record) error
	Close() error
}

func openStore(dir string) (journal, error) { return store.Open(store.Options{Dir: dir}) }

// measureVisits prints the cost of recording visits in a journal.
func measureVisits(name, dir string, open func(string) (journal, error), visits int) error {
	j, err := open(dir)
	if err != nil {
		return err
	}
	defer j.Close()
	for _, s := range stages { // exclude costs of the first visit
		if err := j.Append(record(0, s)); err != nil {
			return err
		}
	}
	w1, d1 := written()
	start := time.Now()
	for n := 1; n <= visits; n++ {
		for _, s := range stages {
			if err := j.Append(record(n, s)); err != nil {
				return err
			}
		}
	}
	took := time.Since(start)
	w2, d2 := written()
	if err := j.Close(); err != nil {
		return err
	}
	size, err := folderSize(dir)
	fmt.Printf("%-28s %8d %14d %14d %12.1f %12d\n", name, len(stages), (w2-w1)/visits, (d2-d1)/visits,
		took.Seconds()*1000/float64(visits), size/visits)
	return err
}

// measureSize prints the costs of a store with n recorded visits.
func measureSize(dir string, n int) error {
	o := store.Options{Dir: dir, MaxSize: 2 << 30}
	s, err := store.Open(o)
	if err != nil {
		return err
	}
	const batch = 5000
	for from := 0; from < n; from += batch {
		var all []store.Entry
		for v := from; v < min(from+batch, n); v++ {
			for _, st := range stages {
				r := record(v, st)
				r.Secrets.Tokens = kiosk.Tokens{}
				all = append(all, store.Entry{Record: r})
			}
		}
		if err := s.AppendAll(all...); err != nil {
			return err
		}
	}
	if err := s.Close(); err != nil {
		return err
	}
	s = nil // let its memory be collected
	runtime.GC()
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	if s, err = store.Open(o); err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.Unfinished(); err != nil {
		return err
	}
	opened := time.Since(start)
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	start = time.Now()
	if list, err := s.List(0, 50); err != nil || len(list) != 50 {
		return fmt.Errorf("list: %d, %w", len(list), err)
	}
	listed := time.Since(start)
	start = time.Now()
	r, err := s.Verify()
	if err != nil || !r.Intact() || r.Visits != n {
		return fmt.Errorf("verify: %+v, %w", r, err)
	}
	verified := time.Since(start)
	start = time.Now()
	for _, st := range stages {
		if err := s.Append(record(n, st)); err != nil {
			return err
		}
	}
	more := time.Since(start)
	size, err := folderSize(dir)
	fmt.Printf("%-10d %10.1f %14.2f %14d %14.2f %12.2f %14.1f\n", n, float64(size)/(1<<20), opened.Seconds()*1000,
		(int64(after.HeapAlloc)-int64(before.HeapAlloc))/1024, listed.Seconds()*1000, verified.Seconds(), more.Seconds()*1000)
	return err
}

// folderSize returns the bytes of the files in a folder.
func folderSize(dir string) (size int, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			size += int(info.Size())
		}
	}
	return size, err
}

// written returns the bytes that this process passed to the kernel, and those that the
// kernel wrote to disk for it (0 on a file system in memory).
func written() (bytes, disk int) {
	text, _ := os.ReadFile("/proc/self/io")
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		n, _ := strconv.Atoi(value)
		switch name {
		case "wchar":
			bytes = n
		case "write_bytes":
			disk = n
		}
	}
	return bytes, disk
}
