// Package boot starts the image of scripts/image in QEMU and tries what only a whole
// machine can show: the screen on the first virtual terminal, keys, the watchdog, a
// power cut, a setting that keeps the kiosk from starting, keys that lead nowhere, a
// technician in the sandbox of the unit.
// It has tests only: make test-boot, or
//
//	go test -tags boot ./scripts/appliance/boot -image FOLDER
//
// Without KVM the machine is emulated and a start takes half a minute: deadlines
// are minutes and say nothing of a real board.
package boot
