package host

import (
	"fmt"
	"runtime"
	"syscall"
)

// AsUser runs f in a thread that has another user's rights to files: user uid, group gid and no other groups. The rest of
// the process is not affected. It needs root. f must not start goroutines that open files.
func AsUser(uid, gid int, f func()) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this goroutine
		err := assumeFileRights(uid, gid)
		if err == nil {
			f()
		}
		done <- err
	}()
	return <-done
}

// assumeFileRights changes the rights of this thread alone (setfsuid(2)); the kernel then also takes away root's
// capabilities to ignore file permissions.
func assumeFileRights(uid, gid int) error {
	// The system call, not syscall.Setgroups: that changes all threads.
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETGROUPS, 0, 0, 0); errno != 0 {
		return fmt.Errorf("rights of user %d: groups: %w", uid, errno)
	}
	if err := syscall.Setfsgid(gid); err != nil {
		return fmt.Errorf("rights of user %d: group: %w", uid, err)
	}
	if err := syscall.Setfsuid(uid); err != nil {
		return fmt.Errorf("rights of user %d: %w", uid, err)
	}
	return nil
}
