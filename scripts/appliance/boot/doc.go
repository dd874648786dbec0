// Package boot starts the image of scripts/image in QEMU and tests what needs a whole machine: the screen on the first virtual
// terminal, keys, the watchdog, a power cut, a setting that keeps the kiosk from starting, and a technician in the unit's
// sandbox. It has tests only: make test-boot, or
//
//	go test -tags boot ./scripts/appliance/boot -image FOLDER
//
// Without KVM the machine is emulated and a start takes half a minute: time limits are minutes, and the times say nothing
// about a real board.
package boot
