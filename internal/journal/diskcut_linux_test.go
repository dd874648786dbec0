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

// diskcuts is how many cuts of a disk are tried. It takes root, and mounts:
// scripts/powercut --disk sets it, and nothing else does.
var diskcuts = flag.Int("diskcuts", 0, "how many cuts below a file system")

// Room for ext4's smallest journal at the block size of a card, and for the record.
const (
	diskSize  = 24 << 20
	diskBlock = 4096
)

// rig is a kiosk's disk: ext4 on a loop device on a file which nbdfuse shows of what
// the recorder serves. All in one folder:
//
//	fuse/disk  the disk as a file
//	mnt        the file system on it
//	cut        where the disk is mounted as a cut left it, from cut.img
//	said       what the child says: its acknowledgements
//	pushes     the phones it rang
type rig struct {
	dir  string
	disk *recorder
	fuse *exec.Cmd
	nbd  net.Listener
	stop chan os.Signal
	busy sync.Mutex // backlog while something is being mounted or runs on what is, and for good by close
	once sync.Once
}

func (r *rig) at(name string) string { return filepath.Join(r.dir, name) }

func run(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// unmount tries until nobody uses it: a loop device is let go a moment after what
// was mounted from it.
func unmount(path string) error {
	var err error
	for range 100 {
		err = syscall.Unmount(path, 0)
		if err == nil || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EPERM) { // nothing is mounted there, or who may not unmount has not mounted
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("umount %s: %w", path, err)
}

// newRig makes the disk and mounts it. An error is that this machine cannot.
func newRig(t *testing.T) (*rig, error) {
	t.Helper()
	dir, err := os.MkdirTemp("", "kiosk-disk-")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{dir: dir, stop: make(chan os.Signal, 1)}
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
		if err := os.Mkdir(r.at(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"said", "pushes"} {
		if err := os.WriteFile(r.at(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	image := r.at("cut.img")
	if err := os.WriteFile(image, make([]byte, diskSize), 0o600); err != nil {
		t.Fatal(err)
	}
	err = run("mkfs.ext4", "-q", "-F", "-b", strconv.Itoa(diskBlock), "-J", "size=4", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", image)
	if err == nil {
		err = errors.Join(run("mount", "-o", "loop", image, r.at("cut")), unmount(r.at("cut"))) // can it be done here at all?
	}
	if err != nil {
		return nil, err
	}
	fresh, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	size := func(name string) int64 {
		info, err := os.Stat(r.at(name))
		if err != nil {
			return 0
		}
		return info.Size()
	}
	r.disk = &recorder{now: fresh, seen: func() (int64, int64) { return size("said"), size(pushesName) }}
	if r.nbd, err = r.disk.listen(r.at("nbd")); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	r.fuse = exec.Command("nbdfuse", r.at("fuse/disk"), "nbd+unix:///?socket="+r.at("nbd"))
	r.fuse.Stderr = &said
	r.fuse.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl+C in the terminal is ours alone: it must outlive what is mounted
	if err := r.fuse.Start(); err != nil {
		return nil, err
	}
	for range 200 {
		if size("fuse/disk") == diskSize {
			return r, run("mount", "-o", "loop", r.at("fuse/disk"), r.at("mnt"))
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, fmt.Errorf("nbdfuse shows no disk: %s", said.Bytes())
}

// close takes everything away in its order: the file systems, with them their loop
// devices, then what shows the disk, then the disk.
func (r *rig) close() {
	r.once.Do(func() {
		r.busy.Lock()
		signal.Stop(r.stop)
		err := errors.Join(unmount(r.at("cut")), unmount(r.at("mnt")), unmount(r.at("fuse")))
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

// live has a kiosk of its own process serve visits on the disk, then another, which
// finds the record of the first; then unmounts it, which writes what the file system
// backlog back. wrap is what the kiosk is started with, such as strace.
func (r *rig) live(t *testing.T, visits int, wrap ...string) {
	t.Helper()
	r.busy.Lock()
	defer r.busy.Unlock()
	said, err := os.OpenFile(r.at("said"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	for range 2 {
		args := append(wrap, os.Args[0])
		c := exec.Command(args[0], args[1:]...)
		c.Env = append(os.Environ(), childDir+"="+r.at("mnt/state"), childPushes+"="+r.at(pushesName), childVisits+"="+strconv.Itoa(visits))
		c.Stdout, c.Stderr = said, os.Stderr
		if err := c.Run(); err != nil {
			t.Fatalf("the kiosk on the disk: %v", err)
		}
	}
	if err := unmount(r.at("mnt")); err != nil {
		t.Fatal(err)
	}
}

// cutAll cuts at so many moments, spread over all that was written, and starts a
// kiosk on what each leaves; with lies the disk has flushed nothing. It ends at the
// first start that does not go well.
func (r *rig) cutAll(t *testing.T, fresh []byte, cuts int, lies bool) error {
	t.Helper()
	said, pushed := content(r.at("said")), content(r.at(pushesName))
	stable, pending, done := bytes.Clone(fresh), []call(nil), 0
	steps := r.disk.steps
	for i := range cuts {
		at := 1 + i*(len(steps)-1)/cuts
		for ; done < at; done++ {
			if s := steps[done]; !s.flush {
				pending = append(pending, s.call)
			} else if !lies {
				stable, pending = apply(stable, pending), nil
			}
		}
		mode := i % len(cutModes)
		image := apply(bytes.Clone(stable), leftOnDisk(pending, mode, rand.New(rand.NewPCG(uint64(i), 11))))
		// What was said between this step and the next was said before the cut.
		acked := told{}
		acked.take(string(said[:steps[at].acked]), "ack")
		if err := r.start(image, acked, strings.Fields(string(pushed[:steps[at].pushed]))); err != nil {
			return fmt.Errorf("cut %d, after step %d of %d, %s of the %d writes not flushed: %w", i, at, len(steps), cutModes[mode], len(pending), err)
		}
	}
	return nil
}

// start mounts the disk as a cut left it, which has ext4 recover it, and looks at
// what a kiosk finds there.
func (r *rig) start(image []byte, acked told, pushed []string) (err error) {
	r.busy.Lock()
	defer r.busy.Unlock()
	f, err := os.Create(r.at("cut.img"))
	if err != nil {
		return err
	}
	for at := 0; at < len(image); at += diskBlock { // holes stay holes: most of it is empty
		if b := image[at : at+diskBlock]; !bytes.Equal(b, emptyBlock[:]) {
			if _, err := f.WriteAt(b, int64(at)); err != nil {
				return errors.Join(err, f.Close())
			}
		}
	}
	if err := errors.Join(f.Truncate(int64(len(image))), f.Close()); err != nil {
		return err
	}
	if err := run("mount", "-o", "loop", r.at("cut.img"), r.at("cut")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unmount(r.at("cut"))) }()
	if _, err := os.Stat(r.at("cut/state")); errors.Is(err, os.ErrNotExist) && len(acked)+len(pushed) == 0 {
		return nil // cut before there was a kiosk
	}
	return invariants(r.at("cut/state"), acked, pushed)
}

var emptyBlock [diskBlock]byte

// leftOnDisk is left for a disk: a sector is there or it is not. So is the first
// block, with ext4's superblock: the checksum of that spans two sectors, and ext4
// itself takes it that they come together.
func leftOnDisk(pending []call, mode int, dice *rand.Rand) []call {
	var out []call
	for _, c := range left(pending, mode, dice) {
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

// TestDiskCuts records what ext4 writes for a kiosk to a disk that forgets what was
// not flushed, and starts a kiosk on what a cut at each moment leaves of it: nothing,
// all, the first part, any part in any order, or a torn write.
func TestDiskCuts(t *testing.T) {
	if *diskcuts == 0 {
		t.Skip("needs root, and is run by scripts/powercut --disk")
	}
	canTrace(t)
	r, err := newRig(t)
	if err != nil {
		t.Skipf("NOT TESTED: cuts below a file system: %v", err)
	}
	fresh := bytes.Clone(r.disk.now)
	began := time.Now()
	r.live(t, 4)
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

	// Would it be seen? A disk that only says it flushed, and a kiosk that does not flush.
	fails := func(who string, err error) {
		if err == nil {
			t.Errorf("%s passes: the cuts cut nothing", who)
		} else {
			t.Logf("%s fails, as it should: %.160v", who, strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	fails("a disk that lies", r.cutAll(t, fresh, 20, true))
	r.close()
	bad, err := newRig(t)
	if err != nil {
		t.Fatal(err)
	}
	fresh = bytes.Clone(bad.disk.now)
	bad.live(t, 4, "strace", "-f", "-qq", "-e", "signal=none", "-o", os.DevNull, "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:retval=0")
	fails("a kiosk without flushes", bad.cutAll(t, fresh, 60, false))
}
