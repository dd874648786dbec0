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

// TestFullAtEveryWrite fills the disk page by page, so that another write of
// another record finds no room each time: asking, asked, granted, the ending, the
// growth of the file. Customers are served, nothing half-written stays, and when
// there is room again all of it is on record, without a restart.
func TestFullAtEveryWrite(t *testing.T) {
	at := map[string]int{} // stage of the first record that found no room
	for pages := 12; pages < 60; pages += 4 {
		t.Run(fmt.Sprintf("%d KiB", 4*pages), func(t *testing.T) {
			dir := testkit.MountDisk(t, fmt.Sprintf("%dk", 4*pages))
			k, c := keep(t, dir)
			var want []string
			for i := range 400 {
				visit := fmt.Sprint("v", i)
				for _, stage := range served {
					well := k.Condition().Healthy
					if tell(t, k, visit, stage); well && !k.Condition().Healthy {
						at[stage.String()]++
					}
				}
				want = append([]string{visit + " shown"}, want...)
				if held := k.Condition().Waiting; held > 12 {
					break
				}
			}
			tell(t, k, "ringing", kiosk.StageAsking, kiosk.StageAcknowledged)
			cond := k.Condition()
			if cond.Healthy || cond.Cause != "full" || cond.Waiting == 0 || len(cond.Suspended) != 3 || cond.Since.IsZero() {
				t.Fatalf("%+v", cond)
			}
			if left, err := k.Unfinished(); err != nil || len(left) != 1 || string(left[0].Secrets.RequestID) != "req-ringing" {
				t.Errorf("of what is under way: %v, %v", left, err)
			}
			testkit.RemountDisk(t, dir, 0, "size=4m")
			tell(t, k, "ringing", kiosk.StageGranted)
			if k.Condition().Healthy {
				t.Error("it was tried again at once: a card that hangs would slow every record")
			}
			c.now += retryPeriod
			tell(t, k, "ringing", kiosk.StageEnded)
			if cond := k.Condition(); !cond.Healthy || cond.Waiting != 0 || cond.Lost != 0 || len(cond.Suspended) != 0 {
				t.Errorf("with room again: %+v", cond)
			}
			k.Close()
			visits, notes := onRecord(t, dir)
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

// TestFullFromEachRecordOn: the disk is full at each record of a visit in turn, and
// has room again after it. An ending needs no page that is not free already: that
// one, and each other way in which a write can fail, is in scripts/powercut.
func TestFullFromEachRecordOn(t *testing.T) {
	for n, first := range served[:3] {
		t.Run(first.String(), func(t *testing.T) {
			dir := testkit.MountDisk(t, "4m")
			k, _ := keep(t, dir)
			serve(t, k, "before")
			tell(t, k, "v", served[:n]...)
			free := testkit.FillDisk(t, dir)
			r := rec("v", first)
			r.Secrets.ExpectedSubject = make(kiosk.Secret, 60<<10) // more than any page that is free
			if err := k.Append(r); err != nil {
				t.Fatal(err)
			}
			if c := k.Condition(); c.Healthy || c.Cause != "full" || c.Waiting != 1 {
				t.Fatalf("%+v", c)
			}
			tell(t, k, "v", served[n+1:]...)
			serve(t, k, "after")
			free()
			k.Retry()
			if c := k.Condition(); !c.Healthy {
				t.Errorf("%+v", c)
			}
			k.Close()
			if visits, _ := onRecord(t, dir); strings.Join(visits, ", ") != "after shown, v shown, before shown" {
				t.Errorf("on record: %q", visits)
			}
		})
	}
}

func TestFullAtTheFirstStart(t *testing.T) {
	dir := testkit.MountDisk(t, "64k")
	free := testkit.FillDisk(t, dir)
	k, _ := keep(t, dir)
	serve(t, k, "v1")
	if c := k.Condition(); c.Healthy || c.Cause != "full" || c.Waiting != 4 {
		t.Errorf("%+v", c)
	}
	free()
	testkit.RemountDisk(t, dir, 0, "size=4m")
	k.Retry()
	serve(t, k, "v2")
	k.Close()
	if visits, _ := onRecord(t, dir); strings.Join(visits, " ") != "v2 shown v1 shown" {
		t.Errorf("on record: %q", visits)
	}
}

// TestReadOnlyDisk: the file system turns read-only under the kiosk, as it does
// when the card fails, and the next start finds it so.
func TestReadOnlyDisk(t *testing.T) {
	dir := testkit.MountDisk(t, "4m")
	k, _ := keep(t, dir)
	tell(t, k, "v1", kiosk.StageAsking, kiosk.StageAcknowledged)
	k.Close()
	testkit.RemountDisk(t, dir, syscall.MS_RDONLY, "")

	k, c := keep(t, dir)
	left, err := k.Unfinished()
	if err != nil || len(left) != 1 || string(left[0].Secrets.Identifier) != "alice-v1" {
		t.Fatalf("what the disk knows is not read: %v, %v", left, err)
	}
	tell(t, k, "v1", kiosk.StageEnded)
	tell(t, k, "v2", kiosk.StageAsking, kiosk.StageAcknowledged)
	if cond := k.Condition(); cond.Healthy || cond.Cause != "read-only" || cond.Waiting != 3 {
		t.Errorf("%+v", cond)
	}
	// The guard counts what is in memory before what is on disk.
	r := rec("v3", kiosk.StageAsking)
	r.Secrets.Identifier = kiosk.Secret("Alice-v1 ")
	if err := k.Append(r); err != nil {
		t.Fatal(err)
	}
	var told []string
	err = k.PastRequests(kiosk.Secret("alice-v1"), func(p kiosk.PastRequest) bool {
		line := fmt.Sprint(p.SamePerson)
		if p.SamePerson {
			for _, r := range p.History() {
				line += " " + r.Visit + " " + r.Stage.String()
			}
		}
		told = append(told, line)
		return true
	})
	if want := []string{"true v3 asking", "false", "true v1 asking v1 asked v1 ended"}; err != nil || !slices.Equal(told, want) {
		t.Errorf("%q, %v", told, err)
	}
	c.now += time.Minute
	k.Retry()
	if k.Condition().Healthy {
		t.Error("it is called well on a disk that takes nothing")
	}
	testkit.RemountDisk(t, dir, 0, "")
	k.Retry()
	if cond := k.Condition(); !cond.Healthy {
		t.Errorf("%+v", cond)
	}
	tell(t, k, "v2", kiosk.StageGranted, kiosk.StageShown)
	k.Close()
	if visits, notes := onRecord(t, dir); strings.Join(visits, ", ") != "v3 asking, v2 shown, v1 ended" || len(notes) != 1 {
		t.Errorf("on record: %q, %q", visits, notes)
	}
}

// A damaged file on a disk that is read-only can be neither used nor set aside.
func TestDamagedOnAReadOnlyDisk(t *testing.T) {
	dir := testkit.MountDisk(t, "4m")
	write(t, dbIn(dir), []byte("not a database"))
	testkit.RemountDisk(t, dir, syscall.MS_RDONLY, "")
	k, _ := keep(t, dir)
	serve(t, k, "v1")
	if c := k.Condition(); c.Healthy || c.Cause != "read-only" {
		t.Errorf("%+v", c)
	}
	testkit.RemountDisk(t, dir, 0, "")
	k.Retry()
	if c := k.Condition(); !c.Healthy || len(c.Quarantined) != 1 {
		t.Errorf("%+v", c)
	}
	k.Close()
	if visits, notes := onRecord(t, dir); len(visits) != 1 || len(notes) != 2 {
		t.Errorf("on record: %q, %q", visits, notes)
	}
}

// TestFileTakenAway: whatever happens to the file under a running kiosk, the visit
// that is under way goes on, and all of it is on record in the new file.
func TestFileTakenAway(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"cut to nothing": func(p string) error { return os.Truncate(p, 0) },
		"deleted":        os.Remove,
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
			k, _ := keep(t, dir)
			tell(t, k, "old", kiosk.StageAsking, kiosk.StageAcknowledged)
			k.Close()
			k, _ = keep(t, dir)
			for _, v := range count("before-", 8) {
				serve(t, k, v)
			}
			tell(t, k, "ringing", kiosk.StageAsking, kiosk.StageAcknowledged)
			if err := spoil(dbIn(dir)); err != nil {
				t.Fatal(err)
			}
			tell(t, k, "ringing", kiosk.StageGranted)
			left, err := k.Unfinished()
			if err != nil || len(left) != 1 || left[0].Stage != kiosk.StageGranted || string(left[0].Secrets.Tokens.Access) != "access-ringing" {
				t.Errorf("what is under way: %v, %v", left, err)
			}
			tell(t, k, "old", kiosk.StageEnded) // of which the new file knows nothing
			tell(t, k, "ringing", kiosk.StageShown)
			serve(t, k, "next")
			if c := k.Condition(); !c.Healthy || len(c.Quarantined) != map[bool]int{true: 0, false: 1}[name == "deleted"] {
				t.Errorf("%+v", c)
			}
			k.Close()
			if visits, notes := onRecord(t, dir); strings.Join(visits, ", ") != "next shown, ringing shown" || len(notes) != 1 {
				t.Errorf("on record: %q, %q", visits, notes)
			}
		})
	}
}

// Memory is bounded, and what ended goes first.
func TestMemoryIsBounded(t *testing.T) {
	h := backlog{}
	for i := range maxBacklog + 100 {
		visit := fmt.Sprint("v", i/2)
		stage := []kiosk.Stage{kiosk.StageAsking, kiosk.StageAbandoned}[i%2]
		if err := h.add(entry(rec(visit, stage))); err != nil {
			t.Fatal(err)
		}
	}
	if h.size() > maxBacklog || h.lost < 100 || h.lost > 102 || h.entries[0].Visit == "v0" {
		t.Errorf("%d records, %d lost, the oldest is %s", h.size(), h.lost, h.entries[0].Visit)
	}
	for _, e := range h.entries {
		if len(e.Secrets.Identifier) > 0 {
			t.Fatal("whoever ended is still known by name")
		}
	}
}

func entry(r kiosk.Record) store.Entry {
	e := store.Entry{Record: r}
	if r.Stage == kiosk.StageAsking {
		e.Tag[0] = 1
	}
	return e
}
