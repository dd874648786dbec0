package store

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// BenchmarkVisit records a whole visit, four commits, on a real disk. write-B is what it hands to the kernel, disk-B
// what the kernel charges for it.
func BenchmarkVisit(b *testing.B) {
	for _, before := range []int{0, 10000} {
		b.Run(fmt.Sprint(before, "-on-record"), func(b *testing.B) {
			s := openTest(b, b.TempDir())
			appendMany(b, s, before)
			s.db.NoSync = false
			w1, d1 := ioBytes(b)
			b.ResetTimer()
			for i := 0; b.Loop(); i++ {
				appendVisit(b, s, fmt.Sprint("v", i), kiosk.StageShown)
			}
			w2, d2 := ioBytes(b)
			b.ReportMetric(float64(w2-w1)/float64(b.N)/4, "write-B/commit")
			b.ReportMetric(float64(d2-d1)/float64(b.N)/4, "disk-B/commit")
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s := openTest(b, dir)
	appendMany(b, s, 20000)
	s.Close()
	for b.Loop() {
		s, err := Open(Options{Dir: dir, Key: testKey})
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}

func ioBytes(b *testing.B) (write, disk int) {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0, 0
	}
	get := func(name string) int {
		m := regexp.MustCompile(name + `: (\d+)`).FindSubmatch(text)
		if m == nil {
			return 0
		}
		n, _ := strconv.Atoi(string(m[1]))
		return n
	}
	return get("wchar"), get("\nwrite_bytes")
}
