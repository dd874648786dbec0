package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
	"github.com/ciba-kiosk/ciba-kiosk/internal/safeurl"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// CheckNetwork examines whether the device has a network address. It needs none to reach a server on itself.
func CheckNetwork(server string) check.Outcome {
	if safeurl.IsLoopback(server) {
		return check.Pass("the server runs on this device")
	}
	if err := NetworkProblem(); err != nil {
		return check.Fail(kiosk.Unreachable, err.Error(), "plug in the network cable, or configure the wireless network")
	}
	return check.Pass("the device has an address")
}

// CheckDisk examines whether dir can be written to and has room. If dir does not exist yet, it examines the folder in
// which dir will be made. disk and writable are DiskProblem and Writable, except in tests.
func CheckDisk(dir string, disk, writable func(string) error) check.Outcome {
	for {
		_, err := os.Stat(dir)
		if up := filepath.Dir(dir); errors.Is(err, fs.ErrNotExist) && up != dir {
			dir = up
			continue
		}
		break
	}
	if err := disk(dir); err != nil && !errors.Is(err, fs.ErrPermission) {
		return check.Fail(kiosk.Internal, err.Error(), "make room on the card: journalctl --vacuum-size=50M, apt-get clean; or enlarge the partition of the state folder")
	}
	if err := writable(dir); errors.Is(err, syscall.EROFS) {
		return check.Fail(kiosk.Internal, dir+" is on a read-only file system", "mount it for writing: see /etc/fstab and dmesg; a worn card becomes read-only")
	}
	return check.Pass("there is room")
}

// Writable reports whether files can be made in dir, without making one.
func Writable(dir string) error { return syscall.Access(dir, 0x2) }

// CheckBoard examines the board's power supply and temperature. sysfs is /sys, except in tests.
func CheckBoard(sysfs string) check.Outcome {
	if err := PowerProblem(sysfs); err != nil {
		return check.Warn(err.Error(), "use the board maker's power supply and a shorter cable")
	}
	if err := TemperatureProblem(sysfs); err != nil {
		return check.Warn(err.Error(), "shade the device, ventilate it, or add a heat sink")
	}
	return check.Pass("power and temperature are good, as far as the board reports them")
}
