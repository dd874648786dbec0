package journal

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
)

// powercuts is the number of attempts; 0 is a few, as part of all tests. scripts/powercut sets it.
var powercuts = flag.Int("powercuts", 0, "how many kills, faults and cuts")

// runTraced runs a child under strace, with strace's arguments.
func runTraced(t *testing.T, dir string, visits int, args ...string) (out string, err error) {
	t.Helper()
	all := append([]string{"-f", "-qq", "-e", "signal=none"}, args...)
	if len(args) == 0 || args[0] != "-o" {
		all = append(all, "-o", os.DevNull)
	}
	c := exec.Command("strace", append(all, os.Args[0])...)
	c.Env = append(os.Environ(), childDir+"="+dir, childVisits+"="+strconv.Itoa(visits), "GODEBUG=asyncpreemptoff=1")
	b, err := c.Output()
	return string(b), err
}

// requireTracing skips the test, visibly, if this machine does not permit strace.
func requireTracing(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("strace", "-qq", "-e", "trace=none", "true").CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: power cuts and failing writes: strace does not run here: %v %s", err, out)
	}
}

// ackedStages are the records that a child acknowledged, by visit, and the tokens in its revocation queue, by number.
type ackedStages map[string][]string

func (all ackedStages) addOutput(out string, words ...string) {
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		for _, w := range words {
			if len(f) == 3 && f[0] == w {
				all[f[1]] = append(all[f[1]], f[2])
			}
		}
	}
}

// checkInvariants checks a state directory after a restart: every acknowledged record is there, every request is on
// record, the chain and the pages are intact, nothing was quarantined, and the restart itself sends no request.
func checkInvariants(dir string, acked ackedStages, pushed []string) error {
	var wrong []error
	bad := func(why string, args ...any) { wrong = append(wrong, fmt.Errorf(why, args...)) }
	clock := &jumpClock{began: time.Now(), offset: time.Hour}
	j, err := Open(store.Options{Dir: dir, Wait: 60 * time.Millisecond}, clock, discardLog())
	if err != nil {
		return err
	}
	defer j.Close()
	if c := j.Condition(); !c.Healthy || len(c.Quarantined) > 0 {
		return fmt.Errorf("%+v", c)
	}
	r, err := j.disk.Verify()
	if err != nil || !r.Intact() {
		bad("the chain: %q, %v", r.Problems, err)
	}
	stages, codes := ackedStages{}, map[string]bool{}
	for v, err := range j.disk.Visits() {
		if err != nil {
			return err
		}
		if codes[v.Code] && v.Code != "" {
			bad("code %s is on record twice", v.Code)
		}
		codes[v.Code] = true
		for _, s := range v.Steps {
			stages[v.Visit] = append(stages[v.Visit], s.Stage.String())
		}
	}
	pending, err := j.PendingRevocations()
	if err != nil {
		return err
	}
	for _, p := range pending {
		stages[fmt.Sprint("revocation-", p.ID)] = []string{string(p.Tokens.Access)}
	}
	for visit, want := range acked {
		got := stages[visit]
		for _, stage := range got {
			if len(want) > 0 && stage == want[0] {
				want = want[1:]
			}
		}
		if len(want) > 0 {
			bad("%s: %v were acknowledged and are not there: %v", visit, want, got)
		}
	}
	rang := map[string]bool{}
	for _, code := range pushed {
		if rang[code] {
			bad("%s rang twice", code)
		}
		if rang[code] = true; !codes[code] {
			bad("%s rang and is not on record", code)
		}
	}
	s := &server{}
	runVisits(j, s, clock, 1<<20, 0, func() {})
	if s.asked > 0 {
		bad("the start rang %d phones", s.asked)
	}
	if left, err := j.Unfinished(); err != nil || len(left) > 0 {
		bad("unfinished after a start: %v, %v", left, err)
	}
	j.Close()
	db, err := bolt.Open(dbPath(dir), 0o600, &bolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		return errors.Join(append(wrong, err)...)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			bad("page structure: %v", err)
		}
		return nil
	})
	return errors.Join(append(wrong, err)...)
}

func readPushes(dir string) []string {
	b, _ := os.ReadFile(filepath.Join(filepath.Dir(dir), pushesName))
	return strings.Fields(string(b))
}

// newStateDir returns a state directory, with a directory around it for what survives a cut.
func newStateDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestKilledAtEachWrite kills one device's kiosk at each write of a page, each flush, and between records (when one is
// acknowledged), over and over.
func TestKilledAtEachWrite(t *testing.T) {
	t.Parallel()
	requireTracing(t)
	kills := max(*powercuts, 12)
	dir, acked, died := newStateDir(t), ackedStages{}, 0
	for i := range kills {
		call := []string{"pwrite64", "fdatasync", "write"}[i%3]
		most := map[string]int{"pwrite64": 60, "fdatasync": 24, "write": 12}[call]
		when := 1 + i/3*7%most // steps of seven cover all of them
		out, err := runTraced(t, dir, 3, "-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, when))
		if err != nil {
			died++
		}
		acked.addOutput(out, "ack", "queued")
		if strings.Contains(out, "failed:") {
			t.Fatalf("%s %d: %s", call, when, out)
		}
		if err := checkInvariants(dir, acked, readPushes(dir)); err != nil {
			t.Fatalf("killed at %s %d, the %dth kill: %v", call, when, i+1, err)
		}
	}
	if died < kills/2 {
		t.Errorf("only %d of %d were killed: the test shows little", died, kills)
	}
	t.Logf("%d kills, %d pushes, %d visits acknowledged", died, len(readPushes(dir)), len(acked))
}

// TestEachWriteFails has each write and each flush fail, once or several times in a row: disk full, I/O error,
// read-only. Every customer is served, and in the end everything is on record, without a restart.
func TestEachWriteFails(t *testing.T) {
	t.Parallel()
	requireTracing(t)
	tries := max(*powercuts, 12)
	failed, queued := 0, 0
	for i := range tries {
		how := []string{"pwrite64:error=ENOSPC", "fdatasync:error=EIO", "pwrite64:error=EROFS", "pwrite64:error=EIO"}[i%4]
		call, _, _ := strings.Cut(how, ":")
		// The first calls create the file, which has a test of its own: here it exists.
		when := 1 + i/4*5%40
		dir := newStateDir(t)
		j, _ := openJournal(t, dir)
		recordVisit(t, j, "before")
		j.Close()
		out, err := runTraced(t, dir, 4, "-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:when=%d..%d", how, when, when+i%3))
		if err != nil || !strings.Contains(out, "well true") {
			t.Fatalf("%s at %d: %v: %s", how, when, err, out)
		}
		if strings.Contains(out, "held") {
			failed++
		}
		all := ackedStages{}
		all.addOutput(out, "ack", "held")
		if len(all) != 4 {
			t.Errorf("%s at %d: %d customers were served: %s", how, when, len(all), out)
		}
		for visit, stages := range all {
			if got := strings.Join(stages, " "); got != "asking asked granted shown" {
				t.Errorf("%s at %d: %s was %s", how, when, visit, got)
			}
		}
		all.addOutput(out, "queued")
		queued += strings.Count(out, "queued")
		if err := checkInvariants(dir, all, readPushes(dir)); err != nil {
			t.Fatalf("%s at %d: %v", how, when, err)
		}
	}
	if failed < tries/2 {
		t.Errorf("records were kept in memory in only %d of %d: the test shows little", failed, tries)
	}
	if queued < tries {
		t.Errorf("only %d revocations were queued in %d tries: the test shows little", queued, tries)
	}
	t.Logf("%d faults, records kept in memory in %d, %d revocations queued", tries, failed, queued)
}

// TestPowerCuts records what a kiosk writes, call by call, and checks what a power cut at any moment would have left:
// of what was not flushed nothing, all, the first part, any part, or a torn sector, of each file and of the directory.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	requireTracing(t)
	cuts := max(3**powercuts, 60)
	tape := recordCalls(t, 4)
	if n := tape.countFlushes(); n < 20 {
		t.Fatalf("%d flushes were recorded", n)
	}
	if err := tape.cutAll(t, cuts, false); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d cuts of %d calls", cuts, len(tape.calls))
	// The same without flushes must fail, or the test proves nothing.
	if err := tape.cutAll(t, 60, true); err == nil {
		t.Error("a kiosk without flushes passes: the cuts have no effect")
	} else {
		t.Logf("without flushes it fails, as it should: %.120v", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

// cutAll cuts at so many moments, spread over the whole log.
func (p *callLog) cutAll(t *testing.T, cuts int, noFlush bool) error {
	t.Helper()
	for i := range cuts {
		at := 1 + i*(len(p.calls)-1)/cuts
		dir := newStateDir(t)
		w := p.replay(at, noFlush)
		if err := w.write(dir, uint64(i), i%len(cutModes)); err != nil {
			t.Fatal(err)
		}
		if err := checkInvariants(dir, w.acked, w.pushed); err != nil {
			return fmt.Errorf("cut %d, after call %d (%s), %s of what was not flushed: %w", i, at, p.calls[at-1].name, cutModes[i%len(cutModes)], err)
		}
		os.RemoveAll(filepath.Dir(dir))
	}
	return nil
}

// recordCalls runs visits under strace and reads the calls.
func recordCalls(t *testing.T, visits int) *callLog {
	t.Helper()
	dir := newStateDir(t)
	log := filepath.Join(filepath.Dir(dir), "tape")
	out, err := runTraced(t, dir, visits, "-o", log, "-y", "-xx", "-s", "1000000",
		"-e", "trace=openat,pwrite64,write,fdatasync,fsync,ftruncate,linkat,renameat,unlinkat")
	if err != nil || strings.Count(out, "ack") != 4*visits {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	p := &callLog{dir: dir}
	for line := range bytes.Lines(b) {
		if err := p.read(string(line)); err != nil {
			t.Fatal(err)
		}
	}
	return p
}
