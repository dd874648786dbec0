package console

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// keyboard is a key map in memory, by table and key.
type keyboard map[uint8]map[uint8]uint16

func (k keyboard) Key(table, key uint8) (uint16, bool, error) {
	t, ok := k[table]
	if !ok {
		return 0, false, nil
	}
	if a, ok := t[key]; ok {
		return a, true, nil
	}
	return nothing, true, nil
}

func (k keyboard) SetKey(table, key uint8, action uint16) error {
	if _, ok := k[table]; !ok {
		return errors.New("no such table")
	}
	k[table][key] = action
	return nil
}

func (k keyboard) clone() keyboard {
	c := keyboard{}
	for t, keys := range k {
		c[t] = maps.Clone(keys)
	}
	return c
}

// newConsole returns a console as distributions set it up: letters, Alt-F1 to Alt-F12, Ctrl-Alt-Del, Scroll Lock.
func newConsole(t *testing.T) (keyboard, Options) {
	k := keyboard{
		0:  {30: 0x0b61, 70: 0x0209, 59: 0x0100}, // a, Scroll Lock, F1
		8:  {59: 0x0500, 60: 0x0501, 105: 0x0210},
		12: {59: 0x0500, 111: 0x020c, 30: 0x0801}, // Ctrl-Alt: F1, Del, a
	}
	dir := t.TempDir()
	o := Options{Keys: k, Kernel: filepath.Join(dir, "kernel"), Saved: filepath.Join(dir, "run", "console.json")}
	if err := os.Mkdir(o.Kernel, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, o, "sysrq", "438\n")
	write(t, o, "printk", "4\t4\t1\t7\n")
	return k, o
}

func write(t *testing.T, o Options, name, value string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(o.Kernel, name), []byte(value), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, o Options, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(o.Kernel, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// colours is a palette in memory.
type colours struct{ now Palette }

func (c *colours) Palette() (Palette, error) { return c.now, nil }

func (c *colours) SetPalette(p Palette) error {
	c.now = p
	return nil
}

// A kiosk that is killed leaves its palette; the next lock must not take that for the console's own.
func TestUnlockRestoresThePaletteAfterTwoLocks(t *testing.T) {
	_, o := newConsole(t)
	own, ours := Palette{1: {170, 0, 0, 255}, 7: {170, 170, 170, 255}}, Palette{0: {14, 21, 37, 255}}
	for i := range own {
		own[i].A, ours[i].A = 255, 255
	}
	c := &colours{own}
	o.Colours = c
	for range 2 { // the kiosk is killed after the first
		if err := Lock(o); err != nil {
			t.Fatal(err)
		}
		c.now = ours
	}
	if err := Unlock(o); err != nil {
		t.Fatal(err)
	}
	if c.now != own {
		t.Errorf("the palette is %v, want %v", c.now, own)
	}
}

func TestLockRemovesEveryWayOut(t *testing.T) {
	k, o := newConsole(t)
	was := k.clone()
	if err := Lock(o); err != nil {
		t.Fatal(err)
	}
	for table, keys := range k {
		for key, action := range keys {
			switch out := isEscape(was[table][key]); {
			case out && action != nothing:
				t.Errorf("table %d key %d still does %#x", table, key, action)
			case !out && action != was[table][key]:
				t.Errorf("table %d key %d is harmless and was changed to %#x", table, key, action)
			}
		}
	}
	if a := k[12][111]; a != nothing {
		t.Error("Ctrl-Alt-Del still reboots")
	}
	if got := read(t, o, "sysrq"); got != "0\n" {
		t.Errorf("sysrq is %q", got)
	}
	if got := read(t, o, "printk"); got[0] != '1' {
		t.Errorf("printk is %q", got)
	}
}

func TestUnlockRestoresTheFirstState(t *testing.T) {
	k, o := newConsole(t)
	was := k.clone()
	// The kiosk is killed and started again before an unlock: the first state is restored.
	for range 3 {
		if err := Lock(o); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // a second unlock changes nothing
		if err := Unlock(o); err != nil {
			t.Fatal(err)
		}
		for table := range was {
			if !maps.Equal(k[table], was[table]) {
				t.Errorf("table %d: %v, was %v", table, k[table], was[table])
			}
		}
		if got := read(t, o, "sysrq"); got != "438\n" {
			t.Errorf("sysrq is %q", got)
		}
		if got := read(t, o, "printk"); got != "4\t4\t1\t7\n" {
			t.Errorf("printk is %q", got)
		}
	}
	if _, err := os.Stat(o.Saved); err == nil {
		t.Error("the saved state still exists")
	}
}

func TestLockContinuesAfterAnError(t *testing.T) {
	k, o := newConsole(t)
	sysrq := filepath.Join(o.Kernel, "sysrq")
	if err := errors.Join(os.Remove(sysrq), os.Mkdir(sysrq, 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := Lock(o); err == nil {
		t.Error("Lock did not report that SysRq is unchanged")
	}
	if k[8][59] != nothing || read(t, o, "printk")[0] != '1' {
		t.Error("the other ways out are open")
	}
}

func TestLockWithoutSysRq(t *testing.T) {
	k, o := newConsole(t)
	if err := os.Remove(filepath.Join(o.Kernel, "sysrq")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(Lock(o), Unlock(o)); err != nil {
		t.Error(err)
	}
	if k[8][59] != 0x0500 || read(t, o, "printk") != "4\t4\t1\t7\n" {
		t.Error("Unlock did not restore the state")
	}
}

func TestDamagedStateFileChangesNothing(t *testing.T) {
	k, o := newConsole(t)
	was := k.clone()
	if err := os.MkdirAll(filepath.Dir(o.Saved), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(o.Saved, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if Lock(o) == nil || Unlock(o) == nil {
		t.Error("a damaged file was accepted")
	}
	for table := range was {
		if !maps.Equal(k[table], was[table]) {
			t.Errorf("table %d was changed", table)
		}
	}
}
