package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// What a device must keep to. Each has its figure printed beside it.
const (
	maxStart       = 100 * time.Millisecond // from exec to the first picture: the kernel's start is twenty times as long
	maxMemory      = 25 << 10               // KiB resident while nobody is there: a Raspberry Pi Zero has 512 MiB for everything
	maxIdle        = 0.1                    // per cent of one core
	maxSize        = 13_000_000             // bytes of the armhf program: 11.4 MB with the default build settings, and room to grow
	recordedVisits = 100_000                // visits, years of a shop's
)

// useReleaseBuild has the device's programs be as they are delivered, and not this test binary.
func (r *rig) useReleaseBuild() {
	r.t.Helper()
	out := r.t.TempDir()
	build := exec.Command("../../scripts/build", runtime.GOARCH)
	build.Env = append(os.Environ(), "OUT="+out)
	if text, err := build.CombinedOutput(); err != nil {
		r.t.Fatalf("%v: %s", err, text)
	}
	r.path = filepath.Join(out, "linux-"+runtime.GOARCH, "kiosk")
}

// addPastVisits puts visits on record that were refused, an hour of which is past.
func (r *rig) addPastVisits(visits int) {
	r.t.Helper()
	s, err := store.Open(store.Options{Dir: r.state, Process: "benchmark", MaxSize: 256 << 20})
	if err != nil {
		r.t.Fatal(err)
	}
	defer s.Close()
	when := time.Now().Add(-time.Hour)
	for done := 0; done < visits; {
		var some []store.Entry
		for ; len(some) < 2000 && done < visits; done++ {
			first := kiosk.Record{Visit: fmt.Sprintf("VISIT%021d", done), Stage: kiosk.StageAsking, Code: "VWP-3QM", Wall: when, Boot: "before",
				Secrets: kiosk.Secrets{Identifier: kiosk.Secret(fmt.Sprint("customer", done%1000))}}
			last := first
			last.Stage, last.Reason, last.Secrets = kiosk.StageEnded, kiosk.Refused, kiosk.Secrets{}
			some = append(some, store.Entry{Record: first}, store.Entry{Record: last})
		}
		if err := s.AppendAll(some...); err != nil {
			r.t.Fatal(err)
		}
	}
}

// BenchmarkStart is how long the program as it is delivered takes from its start to its
// first picture, with a hundred thousand visits on record.
func BenchmarkStart(b *testing.B) {
	r := newRig(b)
	r.useReleaseBuild()
	r.addPastVisits(recordedVisits)
	title := say(b, screen.MsgClosedTitle) // it says that it connects
	var took []time.Duration
	for b.Loop() {
		begun := time.Now()
		x := r.screen()
		if !x.waitFor(func() bool {
			return strings.Contains(x.vt.String(), title) || strings.Contains(x.vt.String(), say(b, screen.MsgReadyTitle))
		}) {
			b.Fatal("there is no picture")
		}
		took = append(took, time.Since(begun))
		x.mustShow(say(b, screen.MsgReadyTitle))
		x.kill()
	}
	slices.Sort(took)
	median := took[len(took)/2]
	b.ReportMetric(0, "ns/op") // ending it is not what is measured
	b.ReportMetric(float64(median)/float64(time.Millisecond), "ms-to-first-frame")
	b.ReportMetric(float64(maxStart)/float64(time.Millisecond), "ms-bar")
	if median > maxStart {
		b.Errorf("%v is more than %v", median, maxStart)
	}
}

// BenchmarkIdle is how much of one core, and how much memory, a Ready screen takes, with a
// hundred thousand visits on record.
func BenchmarkIdle(b *testing.B) {
	r := newRig(b)
	r.useReleaseBuild()
	r.addPastVisits(recordedVisits)
	x := r.screen()
	x.mustShow(say(b, screen.MsgReadyTitle))
	time.Sleep(5 * time.Second) // the start is not idle
	for b.Loop() {
		before := x.cpuTime()
		time.Sleep(idleFor)
		part, memory := 100*float64(x.cpuTime()-before)/float64(idleFor), x.residentMemory()
		b.ReportMetric(part, "%-of-a-core")
		b.ReportMetric(maxIdle, "%-bar")
		b.ReportMetric(float64(memory), "KiB-resident")
		b.ReportMetric(maxMemory, "KiB-bar")
		if part > maxIdle || memory > maxMemory {
			b.Errorf("%.3f %% of a core, %d KiB: more than %v %% or %d KiB", part, memory, maxIdle, maxMemory)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkSize is how large the program for every 32-bit Raspberry Pi is.
func BenchmarkSize(b *testing.B) {
	out := b.TempDir()
	for b.Loop() {
		build := exec.Command("../../scripts/build", "armv6")
		build.Env = append(os.Environ(), "OUT="+out)
		if text, err := build.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, text)
		}
	}
	info, err := os.Stat(filepath.Join(out, "linux-armv6", "kiosk"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(info.Size()), "bytes")
	b.ReportMetric(maxSize, "bytes-bar")
	if info.Size() > maxSize {
		b.Errorf("%d bytes are more than %d", info.Size(), maxSize)
	}
}

// residentMemory is the program's memory that is held in RAM, in KiB (proc(5), VmRSS), files that
// are mapped included.
func (x *terminal) residentMemory() int {
	x.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", x.cmd.Process.Pid))
	if err != nil {
		x.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	n, err := strconv.Atoi(strings.Fields(rest + " x")[0])
	if err != nil {
		x.t.Fatal(err)
	}
	return n
}
