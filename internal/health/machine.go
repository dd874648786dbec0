package health

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

// Bounds of what a machine may be.
const (
	// hot is where Raspberry Pis begin to slow down; other boards stand no more.
	hot = 80_000 // thousandths of a degree Celsius
	// least is room for weeks of visits: one takes less than 2 KiB.
	least = 16 << 20
	// underVoltage are the bits of get_throttled for now and since the start.
	underVoltage, wasUnderVoltage = 1 << 0, 1 << 16
)

// Network returns an error if the device has no address at which others can reach it.
func Network() error {
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

// Room is how many bytes a folder's file system has free for others than root, and in all.
func Room(dir string) (free, all uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, fmt.Errorf("%s: %w", dir, err)
	}
	return uint64(s.Bavail) * uint64(s.Bsize), uint64(s.Blocks) * uint64(s.Bsize), nil
}

// Disk says whether there is room in a folder.
func Disk(dir string) error {
	free, _, err := Room(dir)
	if err != nil {
		return err
	}
	if free < least {
		return fmt.Errorf("%s: %d MiB are free, less than %d", dir, free>>20, least>>20)
	}
	return nil
}

// Temperature says whether the board is too hot. root is /sys. A board that does not
// tell is well.
func Temperature(root string) error {
	zones, _ := filepath.Glob(filepath.Join(root, "class/thermal/thermal_zone*/temp"))
	for _, zone := range zones {
		if t, ok := number(zone, 10); ok && t >= hot && t < 2*hot { // more is a broken sensor
			return fmt.Errorf("the board is at %d °C: it slows down, or ages", t/1000)
		}
	}
	return nil
}

// Power says whether a Raspberry Pi gets too little voltage, by what its firmware or its
// driver tells. A board that does not tell is well.
func Power(root string) error {
	for _, pattern := range []string{"devices/platform/soc/*/get_throttled", "devices/platform/soc/*/*/get_throttled"} {
		files, _ := filepath.Glob(filepath.Join(root, pattern))
		for _, f := range files {
			bits, ok := number(f, 16)
			switch {
			case ok && bits&underVoltage != 0:
				return errors.New("the power supply is too weak now: under-voltage")
			case ok && bits&wasUnderVoltage != 0:
				return errors.New("the power supply was too weak since the start: under-voltage")
			}
		}
	}
	alarms, _ := filepath.Glob(filepath.Join(root, "class/hwmon/hwmon*/in0_lcrit_alarm"))
	for _, f := range alarms {
		name, ok := text(filepath.Join(filepath.Dir(f), "name"))
		if on, told := number(f, 10); ok && name == "rpi_volt" && told && on == 1 {
			return errors.New("the power supply is too weak: under-voltage")
		}
	}
	return nil
}

// text reads a short file of the kernel's.
func text(path string) (string, bool) {
	f, err := os.Open(path)
	if err != nil {
		return "", false
	}
	defer f.Close()
	var b [64]byte
	n, err := f.Read(b[:])
	return strings.TrimSpace(string(b[:n])), err == nil
}

func number(path string, base int) (int64, bool) {
	s, ok := text(path)
	n, err := strconv.ParseInt(strings.TrimPrefix(s, "0x"), base, 64)
	return n, ok && err == nil
}
