package journal

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// diskcuts is how many cuts of a disk are tried. It needs root, and mounts: only scripts/powercut --disk sets it.
var diskcuts = flag.Int("diskcuts", 0, "how many cuts below a file system")

// Room for ext4's smallest journal at the block size of a card, and for the record.
const (
	diskSize  = 24 << 20
	diskBlock = 4096
)

// cutDisk is a kiosk's disk: ext4 on a loop device on a file, which nbdfuse presents from the NBD server. All in one
// directory:
//
//	fuse/disk  the disk as a file
//	mnt        the file system on it
//	cut        mount of the disk as a cut left it, from cut.img
//	said       the child's output: its acknowledgements
//	pushes     the backchannel requests it sent
type cutDisk struct {
	dir  string
	disk *nbdServer
	fuse *exec.Cmd
	nbd  net.Listener
	stop chan os.Signal
	busy sync.Mutex // locked while something is mounted, or runs on a mount; close locks it for good
	once sync.Once
}

func (r *cutDisk) path(name string) string { return filepath.Join(r.dir, name) }

func run(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// unmount retries until the mount is no longer in use: a loop device is released a moment after its file system.
func unmount(path string) error {
	var err error
	for range 100 {
		err = syscall.Unmount(path, 0)
		if err == nil || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EPERM) { // nothing is mounted there, or this user may not mount at all
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("umount %s: %w", path, err)
}

// newCutDisk makes the disk and mounts it. It fails if this machine cannot.
func newCutDisk(t *testing.T) (*cutDisk, error) {
	t.Helper()
	dir, err := os.MkdirTemp("", "kiosk-disk-")
	if err != nil {
		t.Fatal(err)
	}
	r := &cutDisk{dir: dir, stop: make(chan os.Signal, 1)}
	t.Cleanup(r.close)
	r.busy.Lock()
	defer r.busy.Unlock()
	// An interrupt must not leave mounts behind.
	signal.Notify(r.stop, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-r.stop
		r.close()
		os.Exit(130)
	}()
	for _, name := range []string{"fuse", "mnt", "cut"} {
		if err := os.Mkdir(r.path(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"said", "pushes"} {
		if err := os.WriteFile(r.path(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	image := r.path("cut.img")
	if err := os.WriteFile(image, make([]byte, diskSize), 0o600); err != nil {
		t.Fatal(err)
	}
	err = run("mkfs.ext4", "-q", "-F", "-b", strconv.Itoa(diskBlock), "-J", "size=4", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", image)
	if err == nil {
		err = errors.Join(run("mount", "-o", "loop", image, r.path("cut")), unmount(r.path("cut"))) // is this possible on this machine?
	}
	if err != nil {
		return nil, err
	}
	fresh, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	size := func(name string) int64 {
		info, err := os.Stat(r.path(name))
		if err != nil {
			return 0
		}
		return info.Size()
	}
	r.disk = &nbdServer{now: fresh, progress: func() (int64, int64) { return size("said"), size(pushesName) }}
	if r.nbd, err = r.disk.listen(r.path("nbd")); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	r.fuse = exec.Command("nbdfuse", r.path("fuse/disk"), "nbd+unix:///?socket="+r.path("nbd"))
	r.fuse.Stderr = &said
	r.fuse.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl+C must not reach it: it has to outlive the mounts
	if err := r.fuse.Start(); err != nil {
		return nil, err
	}
	for range 200 {
		if size("fuse/disk") == diskSize {
			return r, run("mount", "-o", "loop", r.path("fuse/disk"), r.path("mnt"))
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, fmt.Errorf("nbdfuse shows no disk: %s", said.Bytes())
}

// close removes everything in order: the file systems, with them their loop devices, then nbdfuse, then the NBD
// server.
func (r *cutDisk) close() {
	r.once.Do(func() {
		r.busy.Lock()
		signal.Stop(r.stop)
		err := errors.Join(unmount(r.path("cut")), unmount(r.path("mnt")), unmount(r.path("fuse")))
		if r.fuse != nil && r.fuse.Process != nil {
			if err != nil {
				r.fuse.Process.Kill()
			}
			r.fuse.Wait()
		}
		if r.nbd != nil {
			r.nbd.Close()
		}
		if err = errors.Join(err, os.RemoveAll(r.dir)); err != nil {
			fmt.Fprintln(os.Stderr, "not taken away:", err)
		}
	})
}

// runKiosks has a kiosk process run visits on the disk, then another, which finds the record of the first; then it
// unmounts the disk, which writes what the file system still holds. wrap is the command that runs the kiosk, such as
// strace.
func (r *cutDisk) runKiosks(t *testing.T, visits int, wrap ...string) {
	t.Helper()
	r.busy.Lock()
	defer r.busy.Unlock()
	said, err := os.OpenFile(r.path("said"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	for range 2 {
		args := append(wrap, os.Args[0])
		c := exec.Command(args[0], args[1:]...)
		c.Env = append(os.Environ(), childDir+"="+r.path("mnt/state"), childPushes+"="+r.path(pushesName), childVisits+"="+strconv.Itoa(visits))
		c.Stdout, c.Stderr = said, os.Stderr
		if err := c.Run(); err != nil {
			t.Fatalf("the kiosk on the disk: %v", err)
		}
	}
	if err := unmount(r.path("mnt")); err != nil {
		t.Fatal(err)
	}
}

// cutAll cuts at so many moments, spread over all writes, and starts a kiosk on what each leaves; with lies, the disk
// has flushed nothing. It returns the first failure.
func (r *cutDisk) cutAll(t *testing.T, fresh []byte, cuts int, lies bool) error {
	t.Helper()
	said, pushed := readRegular(r.path("said")), readRegular(r.path(pushesName))
	stable, pending, done := bytes.Clone(fresh), []call(nil), 0
	steps := r.disk.steps
	for i := range cuts {
		at := 1 + i*(len(steps)-1)/cuts
		for ; done < at; done++ {
			if s := steps[done]; !s.flush {
				pending = append(pending, s.call)
			} else if !lies {
				stable, pending = applyWrites(stable, pending), nil
			}
		}
		mode := i % len(cutModes)
		image := applyWrites(bytes.Clone(stable), survivingWrites(pending, mode, rand.New(rand.NewPCG(uint64(i), 11))))
		// Output between this step and the next came before the cut.
		acked := ackedStages{}
		acked.addOutput(string(said[:steps[at].acked]), "ack", "queued")
		if err := r.checkAfterCut(image, acked, strings.Fields(string(pushed[:steps[at].pushed]))); err != nil {
			return fmt.Errorf("cut %d, after step %d of %d, %s of the %d writes not flushed: %w", i, at, len(steps), cutModes[mode], len(pending), err)
		}
	}
	return nil
}

// checkAfterCut mounts the disk as a cut left it, so that ext4 recovers it, and checks what a kiosk finds.
func (r *cutDisk) checkAfterCut(image []byte, acked ackedStages, pushed []string) (err error) {
	r.busy.Lock()
	defer r.busy.Unlock()
	f, err := os.Create(r.path("cut.img"))
	if err != nil {
		return err
	}
	for at := 0; at < len(image); at += diskBlock { // keep holes: most of the image is empty
		if b := image[at : at+diskBlock]; !bytes.Equal(b, emptyBlock[:]) {
			if _, err := f.WriteAt(b, int64(at)); err != nil {
				return errors.Join(err, f.Close())
			}
		}
	}
	if err := errors.Join(f.Truncate(int64(len(image))), f.Close()); err != nil {
		return err
	}
	if err := run("mount", "-o", "loop", r.path("cut.img"), r.path("cut")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unmount(r.path("cut"))) }()
	if _, err := os.Stat(r.path("cut/state")); errors.Is(err, os.ErrNotExist) && len(acked)+len(pushed) == 0 {
		return nil // cut before there was a kiosk
	}
	return checkInvariants(r.path("cut/state"), acked, pushed)
}

var emptyBlock [diskBlock]byte

// survivingWrites is survivingCalls for a disk: a sector is written or not. So is the first block, with ext4's
// superblock: its checksum spans two sectors, and ext4 itself assumes that they are written together.
func survivingWrites(pending []call, mode int, dice *rand.Rand) []call {
	var out []call
	for _, c := range survivingCalls(pending, mode, dice) {
		if c.data = c.data[:len(c.data)/sector*sector]; c.off >= diskBlock {
			out = append(out, c)
		}
	}
	for _, c := range pending {
		if c.off < diskBlock && (cutModes[mode] == "all" || cutModes[mode] != "nothing" && dice.IntN(2) == 0) {
			out = append(out, c)
		}
	}
	return out
}

// TestDiskCuts records what ext4 writes for a kiosk to a disk that forgets what was not flushed, and starts a kiosk on
// what a cut at each moment leaves: nothing, all, the first part, any part in any order, or a torn write.
func TestDiskCuts(t *testing.T) {
	if *diskcuts == 0 {
		t.Skip("needs root, and is run by scripts/powercut --disk")
	}
	requireTracing(t)
	r, err := newCutDisk(t)
	if err != nil {
		t.Skipf("NOT TESTED: cuts below a file system: %v", err)
	}
	fresh := bytes.Clone(r.disk.now)
	began := time.Now()
	r.runKiosks(t, 4)
	writes, flushes, most, row := 0, 0, 0, 0
	for _, s := range r.disk.steps {
		if row++; s.flush {
			flushes, row = flushes+1, 0
		} else {
			writes++
		}
		most = max(most, row)
	}
	t.Logf("%d writes, %d flushes, at most %d not flushed, %v", writes, flushes, most, time.Since(began).Round(time.Millisecond))
	if flushes < 20 {
		t.Fatal("too few flushes: that shows little")
	}
	if err := r.cutAll(t, fresh, *diskcuts, false); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d cuts, none bad, %v", *diskcuts, time.Since(began).Round(time.Millisecond))

	// A disk that only claims to flush, and a kiosk that does not flush, must fail, or the test proves nothing.
	fails := func(who string, err error) {
		if err == nil {
			t.Errorf("%s passes: the cuts have no effect", who)
		} else {
			t.Logf("%s fails, as it should: %.160v", who, strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	fails("a disk that lies", r.cutAll(t, fresh, 20, true))
	r.close()
	bad, err := newCutDisk(t)
	if err != nil {
		t.Fatal(err)
	}
	fresh = bytes.Clone(bad.disk.now)
	bad.runKiosks(t, 4, "strace", "-f", "-qq", "-e", "signal=none", "-o", os.DevNull, "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:retval=0")
	fails("a kiosk without flushes", bad.cutAll(t, fresh, 60, false))
}
