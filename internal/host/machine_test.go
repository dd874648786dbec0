package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
		if err := TemperatureProblem(root); (err == nil) != c.temperature {
			t.Errorf("%s: temperature: %v", c.name, err)
		}
		if err := PowerProblem(root); (err == nil) != c.power {
			t.Errorf("%s: power: %v", c.name, err)
		}
	}
	if err := TemperatureProblem("/nonexistent"); err != nil {
		t.Error(err)
	}
}

func TestDisk(t *testing.T) {
	if err := DiskProblem("/nonexistent"); err == nil {
		t.Error("DiskProblem passes for a missing folder")
	}
	if err := DiskProblem(t.TempDir()); err != nil && !strings.Contains(err.Error(), "MiB are free") {
		t.Error(err)
	}
}
