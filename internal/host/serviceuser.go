package host

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// ServiceUser is the user as whom the units run the kiosk.
type ServiceUser struct {
	Name     string // or the number, for a user without a name
	UID, GID int
}

// serviceUserName is the user of the package's units.
const serviceUserName = "kiosk"

// FindServiceUser returns the user whose rights to files matter when root examines the device: the owner of the state
// directory, or, if there is none yet, the packaged user. ok is false if this process is not root, or if the kiosk runs as
// root as well.
func FindServiceUser(stateDir string) (u ServiceUser, ok bool) {
	if os.Geteuid() != 0 {
		return u, false
	}
	info, err := os.Stat(stateDir)
	if err != nil {
		found, err := user.Lookup(serviceUserName)
		if err != nil {
			return u, false
		}
		u.Name = found.Username
		u.UID, _ = strconv.Atoi(found.Uid) // numbers on every Unix
		u.GID, _ = strconv.Atoi(found.Gid)
		return u, u.UID != 0
	}
	st, isUnix := info.Sys().(*syscall.Stat_t)
	if !isUnix || st.Uid == 0 {
		return u, false
	}
	u.UID, u.GID = int(st.Uid), int(st.Gid)
	u.Name = strconv.Itoa(u.UID)
	if found, err := user.LookupId(u.Name); err == nil {
		u.Name = found.Username
	}
	return u, true
}

// ForeignFile returns the first of the paths whose file exists and belongs to another user; empty if there is none.
func (u ServiceUser) ForeignFile(paths ...string) string {
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err != nil {
			continue
		}
		if st, isUnix := info.Sys().(*syscall.Stat_t); isUnix && int(st.Uid) != u.UID {
			return path
		}
	}
	return ""
}

// Do runs f with the user's rights to files. The zero user stands for this process's own rights.
func (u ServiceUser) Do(f func()) error {
	if u.UID == 0 {
		f()
		return nil
	}
	return AsUser(u.UID, u.GID, f)
}

// Become gives this process the user's rights and no others, for good.
func (u ServiceUser) Become() error {
	err := syscall.Setgroups([]int{u.GID})
	if err == nil {
		err = syscall.Setgid(u.GID)
	}
	if err == nil {
		err = syscall.Setuid(u.UID)
	}
	if err != nil {
		return fmt.Errorf("become user %s: %w", u.Name, err)
	}
	return nil
}
