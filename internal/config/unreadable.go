package config

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// namedFile is a file that a setting names. systemd reads credentials as root and is not affected by their owner.
type namedFile struct{ setting, path, origin string }

// UnreadableFiles returns a problem for each file named by a setting that the kiosk's user cannot open. Load has read them
// with the rights of this process, which may be root's. do runs its argument with the rights of that user.
func (s *Settings) UnreadableFiles(user string, do func(func()) error) (Problems, error) {
	var all Problems
	err := do(func() {
		for _, n := range s.named {
			f, err := os.OpenFile(n.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
			if err == nil {
				f.Close()
				continue
			}
			all = append(all, Problem{
				Setting: n.setting, Value: oneLine(shorten(n.path)), Origin: n.origin,
				Cause: fmt.Sprintf("the kiosk runs as user %s, who cannot read this file: %v", user, withoutPath(err)),
				Fix:   fixOf(n.path, user, err),
			})
		}
	})
	return all, err
}

func fixOf(path, user string, err error) string {
	if errors.Is(err, os.ErrPermission) {
		return "let the kiosk's user own the file and enter its folder: sudo chown " + user + ": " + oneLine(path)
	}
	return "see that the kiosk's user can read " + oneLine(path)
}
