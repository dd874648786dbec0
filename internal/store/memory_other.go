//go:build !linux

package store

import "os"

// memoryFile returns an empty file that has lost its name.
func memoryFile() (*os.File, error) {
	f, err := os.CreateTemp("", "kiosk.db")
	if err == nil {
		err = os.Remove(f.Name())
	}
	return f, err
}
