package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkKeyToScreen types on a real pseudo-terminal and measures the time until the character is on the screen.
// People do not notice 16 ms, one frame of most screens.
func BenchmarkKeyToScreen(b *testing.B) {
	x := newRig(b).screen()
	x.begin("x")
	time.Sleep(time.Second) // so that this typing is not taken for a scan
	column, row := x.cursor()
	var took []time.Duration
	type key struct {
		bytes string
		shows rune
	}
	keys := slices.Repeat([]key{{"a", 'a'}, {"\x7f", ' '}}, 100) // enough for a 99th percentile
	for b.Loop() {
		for _, key := range keys {
			start := time.Now()
			x.send(key.bytes)
			if !x.waitFor(func() bool { r := x.vt.Cell(column, row).Char; return r == key.shows || r == 0 && key.shows == ' ' }) {
				b.Fatalf("%q never appears on the screen:\n%s", key.shows, x.picture())
			}
			took = append(took, time.Since(start))
			time.Sleep(30 * time.Millisecond) // the pace of quick fingers, not of a scanner
		}
	}
	slices.Sort(took)
	ms := func(part float64) float64 {
		return float64(took[min(int(part*float64(len(took))), len(took)-1)]) / float64(time.Millisecond)
	}
	b.ReportMetric(0, "ns/op") // the pauses between the keys say nothing
	b.ReportMetric(ms(0.5), "ms-median")
	b.ReportMetric(ms(0.99), "ms-p99")
	b.ReportMetric(float64(len(took)), "keys")
}

// idleFor is how long a device is watched that nobody uses: long against the minute
// in which everything is drawn anew once.
const idleFor = 65 * time.Second

// cpuTime returns the CPU time of all threads of the program (/proc/PID/task/TID/schedstat, in nanoseconds).
func (x *terminal) cpuTime() (sum time.Duration) {
	x.t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", x.cmd.Process.Pid))
	if err != nil || len(threads) == 0 {
		x.t.Fatalf("no threads: %v", err)
	}
	for _, name := range threads {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has just ended
		}
		ran, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(ran, 10, 64)
		if err != nil {
			x.t.Fatal(err)
		}
		sum += time.Duration(n)
	}
	return sum
}

// cursor returns the position of the emulator's cursor.
func (x *terminal) cursor() (column, row int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := x.vt.Cursor()
	return c.X, c.Y
}

// waitFor waits for a condition without taking a picture each time.
func (x *terminal) waitFor(so func() bool) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		x.mu.Lock()
		ok, changed := so(), x.changed
		x.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return false
		}
	}
}
