package host

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Bounds of a healthy machine.
const (
	// hot is where Raspberry Pis begin to slow down, in thousandths of a degree Celsius. Other boards tolerate no more.
	hot = 80_000
	// minFree is room for weeks of visits, in bytes: a visit needs less than 2 KiB.
	minFree = 16 << 20
	// underVoltage and wasUnderVoltage are the bits of get_throttled for now and since the start.
	underVoltage, wasUnderVoltage = 1 << 0, 1 << 16
)

// NetworkProblem returns an error if the device has no address at which others can reach it.
func NetworkProblem() error {
	if LocalAddress() == "" {
		return errors.New("no network: the device has no address")
	}
	return nil
}

// LocalAddress returns the device's address in its network; empty if it has none.
func LocalAddress() string {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() {
			return ip.IP.String()
		}
	}
	return ""
}

// FreeSpace returns how many bytes the file system of dir has free for users other than root, and in total.
func FreeSpace(dir string) (free, total uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, fmt.Errorf("%s: %w", dir, err)
	}
	return uint64(s.Bavail) * uint64(s.Bsize), uint64(s.Blocks) * uint64(s.Bsize), nil
}

// DiskProblem returns an error if dir has too little room.
func DiskProblem(dir string) error {
	free, _, err := FreeSpace(dir)
	if err != nil {
		return err
	}
	if free < minFree {
		return fmt.Errorf("%s: %d MiB are free, less than %d", dir, free>>20, minFree>>20)
	}
	return nil
}

// TemperatureProblem returns an error if the board is too hot. sysfs is /sys. A board without a sensor passes.
func TemperatureProblem(sysfs string) error {
	zones, _ := filepath.Glob(filepath.Join(sysfs, "class/thermal/thermal_zone*/temp"))
	for _, zone := range zones {
		if t, ok := readNumber(zone, 10); ok && t >= hot && t < 2*hot { // more is a broken sensor
			return fmt.Errorf("the board is at %d °C: it slows down, or ages", t/1000)
		}
	}
	return nil
}

// PowerProblem returns an error if the firmware or the driver of a Raspberry Pi reports under-voltage. Other boards pass.
func PowerProblem(sysfs string) error {
	for _, pattern := range []string{"devices/platform/soc/*/get_throttled", "devices/platform/soc/*/*/get_throttled"} {
		files, _ := filepath.Glob(filepath.Join(sysfs, pattern))
		for _, f := range files {
			bits, ok := readNumber(f, 16)
			switch {
			case ok && bits&underVoltage != 0:
				return errors.New("the power supply is too weak: under-voltage now")
			case ok && bits&wasUnderVoltage != 0:
				return errors.New("the power supply is too weak: under-voltage since the start")
			}
		}
	}
	alarms, _ := filepath.Glob(filepath.Join(sysfs, "class/hwmon/hwmon*/in0_lcrit_alarm"))
	for _, f := range alarms {
		name, ok := readText(filepath.Join(filepath.Dir(f), "name"))
		if on, set := readNumber(f, 10); ok && name == "rpi_volt" && set && on == 1 {
			return errors.New("the power supply is too weak: under-voltage")
		}
	}
	return nil
}

// readText reads a short file of the kernel.
func readText(path string) (string, bool) {
	f, err := os.Open(path)
	if err != nil {
		return "", false
	}
	defer f.Close()
	var b [64]byte
	n, err := f.Read(b[:])
	return strings.TrimSpace(string(b[:n])), err == nil
}

func readNumber(path string, base int) (int64, bool) {
	s, ok := readText(path)
	n, err := strconv.ParseInt(strings.TrimPrefix(s, "0x"), base, 64)
	return n, ok && err == nil
}
