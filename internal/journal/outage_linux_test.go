package journal

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// TestDiskFullAtEveryWrite fills the disk page by page, so that each time another write finds no room: asking,
// acknowledged, granted, the ending, the growth of the file. Customers are served, nothing half-written stays, and
// once there is room, everything is recorded without a restart.
func TestDiskFullAtEveryWrite(t *testing.T) {
	at := map[string]int{} // stage of the first record that found no room
	for pages := 12; pages < 60; pages += 4 {
		t.Run(fmt.Sprintf("%d KiB", 4*pages), func(t *testing.T) {
			dir := testkit.MountDisk(t, fmt.Sprintf("%dk", 4*pages))
			j, c := openJournal(t, dir)
			var want []string
			for i := range 400 {
				visit := fmt.Sprint("v", i)
				for _, stage := range servedStages {
					well := j.Condition().Healthy
					if recordStages(t, j, visit, stage); well && !j.Condition().Healthy {
						at[stage.String()]++
					}
				}
				want = append([]string{visit + " shown"}, want...)
				if held := j.Condition().Waiting; held > 12 {
					break
				}
			}
			recordStages(t, j, "ringing", kiosk.StageAsking, kiosk.StageAcknowledged)
			cond := j.Condition()
			if cond.Healthy || cond.Cause != "full" || cond.Waiting == 0 || len(cond.Suspended) != 3 || cond.Since.IsZero() {
				t.Fatalf("%+v", cond)
			}
			if left, err := j.Unfinished(); err != nil || len(left) != 1 || string(left[0].Secrets.RequestID) != "req-ringing" {
				t.Errorf("visit in progress: %v, %v", left, err)
			}
			testkit.RemountDisk(t, dir, 0, "size=4m")
			recordStages(t, j, "ringing", kiosk.StageGranted)
			if j.Condition().Healthy {
				t.Error("retried at once: a card that hangs would delay every record")
			}
			c.now += retryPeriod
			recordStages(t, j, "ringing", kiosk.StageEnded)
			if cond := j.Condition(); !cond.Healthy || cond.Waiting != 0 || cond.Lost != 0 || len(cond.Suspended) != 0 {
				t.Errorf("with room again: %+v", cond)
			}
			j.Close()
			visits, notes := readRecord(t, dir)
			if want = append([]string{"ringing ended"}, want...); !slices.Equal(visits, want) {
				t.Errorf("on record: %q, want %q", visits, want)
			}
			if len(notes) != 1 || !strings.Contains(notes[0], "(full)") || !strings.Contains(notes[0], "0 were lost") {
				t.Errorf("notes: %q", notes)
			}
		})
	}
	t.Logf("the first record without room: %v", at)
}

// TestDiskFullFromEachRecord: the disk is full at each record of a visit in turn, and has room again afterwards. An
// ending needs no new page; that case, and every other way in which a write can fail, is in scripts/powercut.
func TestDiskFullFromEachRecord(t *testing.T) {
	for n, first := range servedStages[:3] {
		t.Run(first.String(), func(t *testing.T) {
			dir := testkit.MountDisk(t, "4m")
			j, _ := openJournal(t, dir)
			recordVisit(t, j, "before")
			recordStages(t, j, "v", servedStages[:n]...)
			free := testkit.FillDisk(t, dir)
			r := rec("v", first)
			r.Secrets.ExpectedSubject = make(kiosk.Secret, 60<<10) // more than the free pages hold
			if err := j.Append(r); err != nil {
				t.Fatal(err)
			}
			if c := j.Condition(); c.Healthy || c.Cause != "full" || c.Waiting != 1 {
				t.Fatalf("%+v", c)
			}
			recordStages(t, j, "v", servedStages[n+1:]...)
			recordVisit(t, j, "after")
			free()
			j.Retry()
			if c := j.Condition(); !c.Healthy {
				t.Errorf("%+v", c)
			}
			j.Close()
			if visits, _ := readRecord(t, dir); strings.Join(visits, ", ") != "after shown, v shown, before shown" {
				t.Errorf("on record: %q", visits)
			}
		})
	}
}

func TestDiskFullAtTheFirstStart(t *testing.T) {
	dir := testkit.MountDisk(t, "64k")
	free := testkit.FillDisk(t, dir)
	j, _ := openJournal(t, dir)
	recordVisit(t, j, "v1")
	if c := j.Condition(); c.Healthy || c.Cause != "full" || c.Waiting != 4 {
		t.Errorf("%+v", c)
	}
	free()
	testkit.RemountDisk(t, dir, 0, "size=4m")
	j.Retry()
	recordVisit(t, j, "v2")
	j.Close()
	if visits, _ := readRecord(t, dir); strings.Join(visits, " ") != "v2 shown v1 shown" {
		t.Errorf("on record: %q", visits)
	}
}

// TestReadOnlyDisk: the file system becomes read-only under the kiosk, as it does when the card fails, and is still
// read-only at the next start.
func TestReadOnlyDisk(t *testing.T) {
	dir := testkit.MountDisk(t, "4m")
	j, _ := openJournal(t, dir)
	recordStages(t, j, "v1", kiosk.StageAsking, kiosk.StageAcknowledged)
	j.Close()
	testkit.RemountDisk(t, dir, syscall.MS_RDONLY, "")

	j, c := openJournal(t, dir)
	left, err := j.Unfinished()
	if err != nil || len(left) != 1 || string(left[0].Secrets.Identifier) != "alice-v1" {
		t.Fatalf("the visit on disk is not read: %v, %v", left, err)
	}
	recordStages(t, j, "v1", kiosk.StageEnded)
	recordStages(t, j, "v2", kiosk.StageAsking, kiosk.StageAcknowledged)
	if cond := j.Condition(); cond.Healthy || cond.Cause != "read-only" || cond.Waiting != 3 {
		t.Errorf("%+v", cond)
	}
	// The guard gets the records in memory before those on disk.
	r := rec("v3", kiosk.StageAsking)
	r.Secrets.Identifier = kiosk.Secret("Alice-v1 ")
	if err := j.Append(r); err != nil {
		t.Fatal(err)
	}
	var requests []string
	err = j.PastRequests(kiosk.Secret("alice-v1"), func(p kiosk.PastRequest) bool {
		line := fmt.Sprint(p.SamePerson)
		if p.SamePerson {
			for _, r := range p.History() {
				line += " " + r.Visit + " " + r.Stage.String()
			}
		}
		requests = append(requests, line)
		return true
	})
	if want := []string{"true v3 asking", "false", "true v1 asking v1 asked v1 ended"}; err != nil || !slices.Equal(requests, want) {
		t.Errorf("%q, %v", requests, err)
	}
	c.now += time.Minute
	j.Retry()
	if j.Condition().Healthy {
		t.Error("healthy on a read-only disk")
	}
	testkit.RemountDisk(t, dir, 0, "")
	j.Retry()
	if cond := j.Condition(); !cond.Healthy {
		t.Errorf("%+v", cond)
	}
	recordStages(t, j, "v2", kiosk.StageGranted, kiosk.StageShown)
	j.Close()
	if visits, notes := readRecord(t, dir); strings.Join(visits, ", ") != "v3 asking, v2 shown, v1 ended" || len(notes) != 1 {
		t.Errorf("on record: %q, %q", visits, notes)
	}
}

// A damaged file on a read-only disk can be neither used nor quarantined.
func TestDamagedDatabaseOnAReadOnlyDisk(t *testing.T) {
	dir := testkit.MountDisk(t, "4m")
	writeFile(t, dbPath(dir), []byte("not a database"))
	testkit.RemountDisk(t, dir, syscall.MS_RDONLY, "")
	j, _ := openJournal(t, dir)
	recordVisit(t, j, "v1")
	if c := j.Condition(); c.Healthy || c.Cause != "read-only" {
		t.Errorf("%+v", c)
	}
	testkit.RemountDisk(t, dir, 0, "")
	j.Retry()
	if c := j.Condition(); !c.Healthy || len(c.Quarantined) != 1 {
		t.Errorf("%+v", c)
	}
	j.Close()
	if visits, notes := readRecord(t, dir); len(visits) != 1 || len(notes) != 2 {
		t.Errorf("on record: %q, %q", visits, notes)
	}
}

// Whatever happens to the file under a running kiosk, the visit in progress goes on, and all of it is on record in the
// new file.
func TestDatabaseVanishesDuringAVisit(t *testing.T) {
	for name, corrupt := range map[string]func(path string) error{
		"truncated to nothing": func(p string) error { return os.Truncate(p, 0) },
		"deleted":              os.Remove,
		"overwritten": func(p string) error {
			f, err := os.OpenFile(p, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.Write(make([]byte, 65536))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j, _ := openJournal(t, dir)
			recordStages(t, j, "old", kiosk.StageAsking, kiosk.StageAcknowledged)
			j.Close()
			j, _ = openJournal(t, dir)
			for _, v := range numbered("before-", 8) {
				recordVisit(t, j, v)
			}
			recordStages(t, j, "ringing", kiosk.StageAsking, kiosk.StageAcknowledged)
			if err := corrupt(dbPath(dir)); err != nil {
				t.Fatal(err)
			}
			recordStages(t, j, "ringing", kiosk.StageGranted)
			left, err := j.Unfinished()
			if err != nil || len(left) != 1 || left[0].Stage != kiosk.StageGranted || string(left[0].Secrets.Tokens.Access) != "access-ringing" {
				t.Errorf("visit in progress: %v, %v", left, err)
			}
			recordStages(t, j, "old", kiosk.StageEnded) // the new file does not know it
			recordStages(t, j, "ringing", kiosk.StageShown)
			recordVisit(t, j, "next")
			if c := j.Condition(); !c.Healthy || len(c.Quarantined) != map[bool]int{true: 0, false: 1}[name == "deleted"] {
				t.Errorf("%+v", c)
			}
			j.Close()
			if visits, notes := readRecord(t, dir); strings.Join(visits, ", ") != "next shown, ringing shown" || len(notes) != 1 {
				t.Errorf("on record: %q, %q", visits, notes)
			}
		})
	}
}

// The backlog is bounded, and visits that have ended are dropped first.
func TestBacklogIsBounded(t *testing.T) {
	h := backlog{}
	for i := range maxBacklog + 100 {
		visit := fmt.Sprint("v", i/2)
		stage := []kiosk.Stage{kiosk.StageAsking, kiosk.StageAbandoned}[i%2]
		if err := h.add(taggedEntry(rec(visit, stage))); err != nil {
			t.Fatal(err)
		}
	}
	if h.size() > maxBacklog || h.lost < 100 || h.lost > 102 || h.entries[0].Visit == "v0" {
		t.Errorf("%d records, %d lost, the oldest is %s", h.size(), h.lost, h.entries[0].Visit)
	}
	for _, e := range h.entries {
		if len(e.Secrets.Identifier) > 0 {
			t.Fatal("a visit that has ended still has its identifier")
		}
	}
}

func taggedEntry(r kiosk.Record) store.Entry {
	e := store.Entry{Record: r}
	if r.Stage == kiosk.StageAsking {
		e.Tag[0] = 1
	}
	return e
}
