package health

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBoardReportsRootCauses: without a network, the failure of the server is not reported as a cause.
func TestBoardReportsRootCauses(t *testing.T) {
	var network, dns, store error
	b := New(
		Check{Name: "network", Run: func() error { return network }},
		Check{Name: "dns", Needs: []string{"network"}, Run: func() error { return dns }},
		Check{Name: "server", Needs: []string{"dns"}, Run: func() error { return dns }},
		Check{Name: "store", Run: func() error { return store }},
	)
	roots := func(now time.Duration) string {
		var all []string
		for _, i := range b.Check(now) {
			if !i.OK && i.Behind == "" {
				all = append(all, i.Name+": "+i.Cause)
			}
			if !i.OK && i.Name == "server" && i.Behind == "" {
				t.Error("the server is reported as a root cause")
			}
		}
		return strings.Join(all, ", ")
	}
	for i, c := range []struct {
		network, dns, store string
		want                string
	}{
		{"", "", "", ""},
		{"down", "no answer", "", "network: down"},
		{"", "no answer", "", "dns: no answer"},
		{"", "no answer", "full", "dns: no answer, store: full"},
		{"", "", "full", "store: full"},
		{"", "", "", ""},
	} {
		network, dns, store = fault(c.network), fault(c.dns), fault(c.store)
		if got := roots(time.Duration(i) * time.Second); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func fault(s string) error {
	if s == "" {
		return nil
	}
	return errors.New(s)
}

// TestBoardDelaysChanges: a change is reported after it has lasted, in both directions.
func TestBoardDelaysChanges(t *testing.T) {
	var is error
	b := New(Check{Name: "hot", Delay: 10 * time.Second, Run: func() error { return is }})
	for _, c := range []struct {
		at   int
		is   string
		well bool
		span int
	}{
		{0, "", true, 0}, {5, "hot", true, 5}, {9, "", true, 9}, {10, "hot", true, 10}, {19, "hot", true, 19},
		{20, "hot", false, 0}, {25, "", false, 5}, {34, "", false, 14}, {35, "", true, 0},
	} {
		is = fault(c.is)
		i := b.Check(time.Duration(c.at) * time.Second)[0]
		if i.OK != c.well || i.For != c.span {
			t.Errorf("after %d s: %+v", c.at, i)
		}
	}
	if i := New(Check{Name: "hot", Delay: time.Hour, Run: func() error { return errors.New("hot") }}).Check(0)[0]; i.OK {
		t.Error("a failure of the first check is not reported")
	}
}

// TestTemperatureAndPower reads files as kernels write them, and malformed ones.
func TestTemperatureAndPower(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		temperature      bool
		power            bool
	}{
		{"cool", "class/thermal/thermal_zone0/temp", "45123\n", true, true},
		{"hot", "class/thermal/thermal_zone1/temp", "81000\n", false, true},
		{"broken sensor", "class/thermal/thermal_zone0/temp", "999999999\n", true, true},
		{"not a number", "class/thermal/thermal_zone0/temp", "hot\n", true, true},
		{"very long", "class/thermal/thermal_zone0/temp", strings.Repeat("9", 1<<16), true, true},
		{"voltage sufficient", "devices/platform/soc/soc:firmware/get_throttled", "0\n", true, true},
		{"under-voltage now", "devices/platform/soc/soc:firmware/get_throttled", "50005\n", true, false},
		{"under-voltage earlier", "devices/platform/soc/soc:firmware/get_throttled", "0x10000\n", true, false},
		{"throttled only", "devices/platform/soc/soc:firmware/get_throttled", "2\n", true, true},
		{"driver reports alarm", "class/hwmon/hwmon1/in0_lcrit_alarm", "1\n", true, false},
		{"driver reports none", "class/hwmon/hwmon1/in0_lcrit_alarm", "0\n", true, true},
	} {
		root := t.TempDir()
		path := filepath.Join(root, c.file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		for p, text := range map[string]string{path: c.text, filepath.Join(filepath.Dir(path), "name"): "rpi_volt\n"} {
			if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := Temperature(root); (err == nil) != c.temperature {
			t.Errorf("%s: temperature: %v", c.name, err)
		}
		if err := Power(root); (err == nil) != c.power {
			t.Errorf("%s: power: %v", c.name, err)
		}
	}
	if err := Temperature("/nonexistent"); err != nil {
		t.Error(err)
	}
}

func TestDisk(t *testing.T) {
	if err := Disk("/nonexistent"); err == nil {
		t.Error("Disk passes for a missing folder")
	}
	if err := Disk(t.TempDir()); err != nil && !strings.Contains(err.Error(), "MiB are free") {
		t.Error(err)
	}
}
