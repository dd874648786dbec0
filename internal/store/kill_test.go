package store

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const childDir = "CIBA_KIOSK_TEST_STORE_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := runChild(dir); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// visitStages are the visits that the child records, in turn.
var visitStages = [][]kiosk.Stage{
	{kiosk.StageAsking, kiosk.StageAcknowledged, kiosk.StageGranted, kiosk.StageShown},
	{kiosk.StageAsking, kiosk.StageAcknowledged, kiosk.StageAcknowledged, kiosk.StageEnded},
	{kiosk.StageAsking, kiosk.StageAbandoned},
	{kiosk.StageAsking, kiosk.StageAcknowledged}, // never ends
}

// runChild is the child process. It closes the visits that its predecessor left, then records visits until it is
// killed, and reports each acknowledged record.
func runChild(dir string) error {
	s, err := Open(Options{Dir: dir, Process: "child"})
	if err != nil {
		return err
	}
	left, err := s.Unfinished()
	if err != nil {
		return err
	}
	say := func(r kiosk.Record) error {
		if err := s.Append(r); err != nil {
			return err
		}
		_, err := fmt.Println("ack", r.Visit, uint8(r.Stage)) // unbuffered: one write
		return err
	}
	for _, r := range left {
		if err := say(rec(r.Visit, kiosk.StageAbandoned)); err != nil {
			return err
		}
	}
	newest, err := s.List(0, 1)
	if err != nil {
		return err
	}
	n := uint64(0)
	if len(newest) == 1 {
		n = newest[0].Number
	}
	for {
		n++
		for _, stage := range visitStages[n%uint64(len(visitStages))] {
			if err := say(rec(fmt.Sprint("v", n), stage)); err != nil {
				return err
			}
		}
	}
}

// TestAcknowledgedRecordsSurviveKills kills a writing process at thirty moments. Each time, all acknowledged records
// must be there, in order, with their secrets.
func TestAcknowledgedRecordsSurviveKills(t *testing.T) {
	const probed = 5
	dir := t.TempDir()
	acked := map[string][]kiosk.Stage{}
	total := 0
	rnd := rand.New(rand.NewPCG(3, 4))
	for round := range 30 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childDir+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		left := rnd.IntN(25)
		if round == probed {
			left = 10 // it has reported something, so it has the file open
		}
		for ; left > 0 && lines.Scan(); left-- {
			noteAck(t, acked, lines.Text())
			total++
		}
		if round == probed { // it is writing: another process's error names it
			_, err := Open(Options{Dir: dir, Wait: testWait})
			var locked *LockedError
			if !errors.As(err, &locked) || locked.PID != child.Process.Pid || locked.Process != "child" {
				t.Errorf("while the child has the file open: %v", err)
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // acknowledged before the kill, read after it
			noteAck(t, acked, lines.Text())
			total++
		}
		child.Wait()
		checkAcked(t, dir, acked)
		if t.Failed() {
			t.Fatalf("round %d, after %d records", round, total)
		}
	}
	if total < 100 {
		t.Errorf("only %d records were written: the test shows little", total)
	}
	t.Logf("%d records", total)
}

func noteAck(t *testing.T, acked map[string][]kiosk.Stage, line string) {
	t.Helper()
	f := strings.Fields(line)
	if len(f) != 3 || f[0] != "ack" {
		t.Fatalf("child: %s", line)
	}
	n, err := strconv.Atoi(f[2])
	if err != nil {
		t.Fatal(err)
	}
	acked[f[1]] = append(acked[f[1]], kiosk.Stage(n))
}

func checkAcked(t *testing.T, dir string, acked map[string][]kiosk.Stage) {
	t.Helper()
	s, err := Open(Options{Dir: dir, Wait: testWait})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, err := range boltProblems(s) {
		t.Errorf("page structure: %v", err)
	}
	open := map[string]kiosk.Record{}
	left, err := s.Unfinished()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range left {
		open[r.Visit] = r
	}
	for visit, stages := range acked {
		v, err := s.Show(visit)
		if err != nil {
			t.Errorf("%s: %v", visit, err)
			continue
		}
		// A record can be there without an acknowledgement: the process was killed between the commit and the
		// acknowledgement. That happens at most twice to a visit: in its own process and in the one that closes it.
		rest := stages
		for _, step := range v.Steps {
			if len(rest) > 0 && step.Stage == rest[0] {
				rest = rest[1:]
			}
		}
		if len(rest) > 0 || len(v.Steps) > len(stages)+2 {
			t.Errorf("%s: %v are there, %v were acknowledged", visit, v.Steps, stages)
		}
		r, isOpen := open[visit]
		if isOpen == v.Stage.Final() {
			t.Errorf("%s: last record %v, unfinished: %v", visit, v.Stage, isOpen)
		}
		if isOpen && !bytes.Equal(r.Secrets.Identifier, rec(visit, kiosk.StageAsking).Secrets.Identifier) {
			t.Errorf("%s: another identifier", visit)
		}
	}
}

// boltProblems lists what bbolt's own check finds.
func boltProblems(s *Store) (found []error) {
	tx, err := s.db.Begin(false)
	if err != nil {
		return []error{err}
	}
	defer tx.Rollback()
	for err := range tx.Check() {
		found = append(found, err)
	}
	return found
}
