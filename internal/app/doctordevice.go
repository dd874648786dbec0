package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
	"github.com/ciba-kiosk/ciba-kiosk/internal/font"
	"github.com/ciba-kiosk/ciba-kiosk/internal/health"
	"github.com/ciba-kiosk/ciba-kiosk/internal/keeper"
	"github.com/ciba-kiosk/ciba-kiosk/internal/qr"
	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// What the doctor looks at on the device itself.

// ask asks the kiosk that runs, once.
func (e *exam) ask(ctx context.Context) {
	if e.running != nil || e.asked != nil {
		return
	}
	if e.asked = control.ErrNobody; e.Status == nil {
		return
	}
	s, err := e.Status(ctx)
	if e.asked = err; err == nil {
		e.running = &s
	}
}

// writable says whether files can be made in a folder, and makes none.
func writable(dir string) error { return syscall.Access(dir, 0x2) }

func (e *exam) space(context.Context) doctor.Finding {
	dir := e.Settings.StateDir
	const cure = "make room on the card: journalctl --vacuum-size=50M, apt-get clean; or a larger partition for the state folder"
	for { // before the first start it is not there yet: then where it will be made counts
		_, err := os.Stat(dir)
		if up := filepath.Dir(dir); errors.Is(err, fs.ErrNotExist) && up != dir {
			dir = up
			continue
		}
		break
	}
	if err := e.disk(dir); err != nil && !errors.Is(err, fs.ErrPermission) {
		return doctor.Fail(kiosk.Internal, err.Error(), cure)
	}
	if err := e.readOnly(dir); errors.Is(err, syscall.EROFS) {
		return doctor.Fail(kiosk.Internal, dir+" is on a read-only file system", "mount it for writing: look at /etc/fstab and dmesg; a worn card turns read-only by itself")
	}
	return doctor.OK("there is room")
}

func (e *exam) store(ctx context.Context) doctor.Finding {
	if e.ask(ctx); e.running != nil && e.running.SetUp == nil {
		return record(e.running.Record)
	}
	st, err := OpenStore(e.Settings, "kiosk doctor", true)
	switch {
	case err == nil:
		defer st.Close()
		if err := st.Answers(); err != nil {
			break
		}
		return doctor.OK("the record of visits can be read")
	case errors.Is(err, store.ErrAbsent):
		return doctor.OK("no visit is on record yet")
	case errors.Is(err, store.ErrLocked):
		return doctor.OK("another process has it open")
	case e.Settings.StoreKey.Sealed:
		return doctor.Skip("its key is encrypted for the service only, and no kiosk is running")
	case errors.Is(err, fs.ErrPermission), errors.Is(err, store.ErrNotOurs) && os.Geteuid() != 0:
		return doctor.Skip("only the kiosk's own user may look: sudo -u kiosk kiosk doctor")
	case errors.Is(err, store.ErrKey):
		return doctor.Fail(kiosk.Internal, shown(err), "put the right key back where KIOSK_STORE_KEY_FILE says, or start the kiosk: it sets the record aside")
	}
	return doctor.Fail(kiosk.Internal, shown(err), "start the kiosk: it sets a damaged record aside and begins a new one")
}

func record(c keeper.Condition) doctor.Finding {
	if c.Well {
		return doctor.OK("all is on record")
	}
	return doctor.Fail(kiosk.Internal, fmt.Sprintf("the record is %s; %d records wait in memory", c.Why, c.Held),
		"put the disk right: full, read-only or worn; the kiosk tries again by itself")
}

// credentials looks at who else can read what is secret, or change what is believed.
func (e *exam) credentials(context.Context) doctor.Finding {
	for _, f := range []struct {
		path string
		bad  fs.FileMode
		cure string
	}{
		{e.EnvFile, 0o002, "chmod o-w " + e.EnvFile},
		{e.Settings.StateDir, 0o077, "chmod 700 " + e.Settings.StateDir},
		{e.Settings.ClientKey.Path, 0o066, "chmod 600 " + e.Settings.ClientKey.Path},
		{e.Settings.StoreKey.Path, 0o066, "chmod 600 " + e.Settings.StoreKey.Path},
		{e.Settings.PingKey.Path, 0o066, "chmod 600 " + e.Settings.PingKey.Path},
	} {
		info, err := os.Stat(f.path)
		if errors.Is(err, fs.ErrPermission) {
			return doctor.Skip("only root and the kiosk's own user may look at " + f.path)
		}
		if f.path == "" || err != nil || strings.HasPrefix(f.path, "/run/credentials/") { // systemd guards that folder
			continue
		}
		if mode := info.Mode().Perm(); mode&f.bad != 0 {
			return doctor.Warn(fmt.Sprintf("%s is open to others (mode %04o)", f.path, mode), f.cure)
		}
	}
	return doctor.OK("nobody else can read the secrets")
}

// screen is what is known of the customer's terminal.
type screen struct {
	columns, rows int
	has           map[rune]bool // what the console's font draws; nil: no console, or it does not say
	capital       float64       // which part of a cell's height a capital letter fills; 0: not known
}

// usualCapital is a capital H of Terminus, the console font of Debian: 10 rows of 16.
const usualCapital = 10.0 / 16

func lookAtScreen(path string) (s screen, err error) {
	c, err := font.OpenConsole(path)
	if err != nil {
		return s, err
	}
	defer c.Close()
	if s.columns, s.rows, err = c.Size(); err != nil {
		return s, err
	}
	s.has, _ = c.Characters()
	if f, err := c.Get(); err == nil {
		s.capital = float64(f.Capital()) / float64(f.Height)
	}
	return s, nil
}

// display is the terminal, or why it is not looked at.
func (e *exam) display() (screen, string) {
	if e.Terminal == "" {
		return screen{}, "there is no terminal here"
	}
	s, err := e.terminal(e.Terminal)
	if err != nil || s.columns == 0 {
		return screen{}, "this user may not look at " + e.Terminal
	}
	return s, ""
}

// The least that a screen is complete in.
const leastColumns, leastRows = 40, 12

func (e *exam) size(context.Context) doctor.Finding {
	s, not := e.display()
	switch {
	case not != "":
		return doctor.Skip(not)
	case s.columns < leastColumns || s.rows < leastRows:
		return doctor.Fail(kiosk.Misconfigured, fmt.Sprintf("%s has %dx%d cells; screens are complete from %dx%d on", e.Terminal, s.columns, s.rows, leastColumns, leastRows),
			"load a smaller console font: KIOSK_FONT, or setfont")
	}
	return doctor.OK("%dx%d cells", s.columns, s.rows)
}

func (e *exam) glyphs(context.Context) doctor.Finding {
	s, not := e.display()
	if not != "" || s.has == nil {
		return doctor.Skip("no Linux console: its font is not for us to look at")
	}
	var lacks []rune
	for _, r := range font.Wanted {
		if !s.has[r] {
			lacks = append(lacks, r)
		}
	}
	if len(lacks) == 0 {
		return doctor.OK("the console's font has all %d characters", len([]rune(font.Wanted)))
	}
	return doctor.Warn(fmt.Sprintf("the console's font lacks %d characters: %s", len(lacks), string(lacks[:min(len(lacks), 20)])),
		"leave KIOSK_FONT out, so that the kiosk loads a complete one, or name one; apt-get install console-setup-linux has some")
}

// link is the longest address that is shown as a QR code; empty if none is.
func (e *exam) link() string {
	ready, device := e.Settings.ReadyLink, e.Settings.Issuer+"/device?user_code=WDJB-MJHT" // as servers make them: RFC 8628, section 3.3.1
	if e.Settings.DeviceClientID != "" && len(device) > len(ready) {
		return device
	}
	return ready
}

// A phone reads a code from as far away as ten times its side; people hold it so far.
const (
	perSide = 10
	held    = 300 // millimetres
)

func (e *exam) code(context.Context) doctor.Finding {
	s, not := e.display()
	switch text := e.link(); {
	case text == "":
		return doctor.Skip("no address is shown as a QR code")
	case not != "":
		return doctor.Skip(not)
	default:
		c, err := qr.Encode(text)
		if err != nil {
			return doctor.Warn("the address is too long for a QR code", "shorten KIOSK_READY_LINK")
		}
		n := c.WithQuiet(qr.LeastQuiet).Size()
		rows, columns := (n+1)/2, n
		if s.has != nil && !s.has['▀'] { // without half blocks a module is two cells wide and one high
			rows, columns = n, 2*n
		}
		if rows > s.rows || columns > s.columns {
			return doctor.Warn(fmt.Sprintf("a QR code of %dx%d cells does not fit into %dx%d: the address stands there as text", columns, rows, s.columns, s.rows),
				"load a smaller console font, or shorten the address")
		}
		if side := e.panel() * float64(rows) / float64(s.rows); side > 0 && side*perSide < held {
			return doctor.Warn(fmt.Sprintf("a QR code is %.0f mm wide: phones must come nearer than %d mm", side, held), "load a larger console font, or shorten the address")
		}
		return doctor.OK("%dx%d of %dx%d cells", columns, rows, s.columns, s.rows)
	}
}

// leastAngle is what a capital letter takes of the view at the least, in degrees
// (EN 301 549, section 5.1.4).
const leastAngle = 0.7

func (e *exam) letters(context.Context) doctor.Finding {
	s, not := e.display()
	panel := e.panel()
	switch {
	case not != "":
		return doctor.Skip(not)
	case panel <= 0:
		return doctor.Skip("the display does not tell its height: --panel-height-mm")
	}
	if s.capital == 0 {
		s.capital = usualCapital
	}
	height := panel / float64(s.rows) * s.capital
	angle := math.Atan(height/float64(e.Distance)) * 180 / math.Pi
	what := fmt.Sprintf("capital letters are %.1f mm high: %.2f degrees at %d mm", height, angle, e.Distance)
	if angle >= leastAngle {
		return doctor.OK("%s", what)
	}
	rows := int(panel * s.capital / (math.Tan(leastAngle*math.Pi/180) * float64(e.Distance)))
	return doctor.Warn(fmt.Sprintf("%s, less than %.1f", what, leastAngle),
		fmt.Sprintf("load a larger console font, so that there are at most %d rows; %d are the least that screens need", rows, leastRows))
}

// panel is the height of the lit panel in millimetres: as somebody said, or as the
// first display that is connected says in its EDID (bytes 21 and 22: centimetres).
func (e *exam) panel() float64 {
	if e.PanelHeight > 0 {
		return float64(e.PanelHeight)
	}
	files, _ := filepath.Glob(e.root + "/sys/class/drm/*/edid")
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && len(b) >= 128 && b[22] > 0 {
			return float64(b[22]) * 10
		}
	}
	return 0
}

// unitFolders is where systemd finds units, the one that wins first.
var unitFolders = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// unit reads a unit's file, with the drop-ins behind it.
func (e *exam) unit(name string) (text string, ok bool) {
	for _, dir := range unitFolders {
		if b, err := os.ReadFile(filepath.Join(e.root, dir, name)); err == nil && !ok {
			text, ok = string(b), true
		}
	}
	for _, dir := range unitFolders {
		drops, _ := filepath.Glob(filepath.Join(e.root, dir, name+".d", "*.conf"))
		for _, d := range drops {
			b, _ := os.ReadFile(d)
			text += "\n" + string(b)
		}
	}
	return text, ok
}

// theUnit is the unit that is to start a kiosk: the one that is enabled, else the screen's.
func (e *exam) theUnit() (name, text string, enabled, ok bool) {
	for _, name := range []string{"kiosk-headless.service", "kiosk.service"} {
		if text, ok = e.unit(name); !ok {
			continue
		}
		if links, _ := filepath.Glob(e.root + "/etc/systemd/system/*.wants/" + name); len(links) > 0 {
			return name, text, true, true
		}
	}
	text, ok = e.unit("kiosk.service")
	return "kiosk.service", text, false, ok
}

func (e *exam) units(context.Context) doctor.Finding {
	if _, err := os.Stat(e.root + "/run/systemd/system"); err != nil {
		return doctor.Skip("no systemd runs here")
	}
	name, _, enabled, ok := e.theUnit()
	switch {
	case !ok:
		return doctor.Skip("the units are not installed")
	case !enabled:
		return doctor.Warn(name+" is not enabled: the kiosk does not come back after a restart", "sudo systemctl enable --now "+name)
	}
	return doctor.OK("%s is enabled", name)
}

func (e *exam) watchdog(context.Context) doctor.Finding {
	name, text, _, ok := e.theUnit()
	if !ok {
		return doctor.Skip("the units are not installed")
	}
	seconds := ""
	for line := range strings.Lines(text) { // the last one counts
		if v, is := strings.CutPrefix(strings.TrimSpace(line), "WatchdogSec="); is {
			seconds = v
		}
	}
	if n, err := strconv.Atoi(seconds); seconds == "" || err == nil && n == 0 {
		return doctor.Warn(name+" has no watchdog: a kiosk that hangs stays so", "take WatchdogSec= out of the unit's drop-ins: systemctl edit "+name)
	}
	return doctor.OK("%s: WatchdogSec=%s", name, seconds)
}

func (e *exam) board(context.Context) doctor.Finding {
	if err := health.Power(e.root + sysfs); err != nil {
		return doctor.Warn(err.Error(), "a power supply of the board's own make, and a shorter cable")
	}
	if err := health.Temperature(e.root + sysfs); err != nil {
		return doctor.Warn(err.Error(), "shade, air, or a heat sink")
	}
	return doctor.OK("neither hot nor short of power, as far as it tells")
}

// resident asks the kiosk that runs; what it sees is often what nobody else can.
func (e *exam) resident(ctx context.Context) doctor.Finding {
	e.ask(ctx)
	switch {
	case errors.Is(e.asked, control.ErrNobody):
		return doctor.OK("no kiosk is running")
	case errors.Is(e.asked, fs.ErrPermission):
		return doctor.Skip("only root and members of the group kiosk may ask the kiosk that runs")
	case e.asked != nil:
		return doctor.Warn("the kiosk does not answer: "+e.asked.Error(), "systemctl restart kiosk")
	case e.running.SetUp != nil:
		return doctor.Warn("the device is being set up on its screen", "sign in on a phone as the screen says; kiosk status tells the same from afar")
	case e.running.State == status.OutOfService:
		return doctor.Warn("the kiosk is out of service: "+strings.Join(e.running.Why, ", "), "kiosk status tells more; kiosk service on ends an order")
	case e.running.Settings != "":
		return doctor.Warn("new settings were refused: kiosk status says why", "correct them, then: systemctl reload kiosk")
	}
	for _, i := range e.running.Health {
		if !i.Well && i.Behind == "" {
			return doctor.Warn("the kiosk sees "+i.Name+": "+i.Cause, "kiosk status tells more")
		}
	}
	return doctor.OK("a kiosk is running, version %s", e.running.Version)
}
