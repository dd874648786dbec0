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

// Bounds of a device. Each benchmark prints its figure beside the bound.
const (
	maxStart       = 100 * time.Millisecond // from exec to the first screen; the kernel takes twenty times as long
	maxMemory      = 25 << 10               // KiB resident without a visit; a Raspberry Pi Zero has 512 MiB in total
	maxIdle        = 0.1                    // per cent of one core
	maxSize        = 13_000_000             // bytes of the armhf program: 11.4 MB with the default build settings, and room to grow
	recordedVisits = 100_000                // visits: several years of a shop
)

// useReleaseBuild runs the program as it is released instead of this test binary.
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

// addPastVisits puts refused visits on record that are an hour old.
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

// BenchmarkStart measures the time from the start of the released program to its first screen, with a hundred thousand
// visits on record.
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

// BenchmarkIdle measures the CPU time and memory of the Ready screen, with a hundred thousand visits on record.
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

// BenchmarkSize measures the program for 32-bit Raspberry Pis.
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

// residentMemory returns the program's memory in RAM, in KiB, mapped files included (proc(5), VmRSS).
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
