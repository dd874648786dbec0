package main

import (
	"encoding/json"
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hinshun/vt10x"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/ciba-kiosk/ciba-kiosk/internal/canary"
	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
	"github.com/ciba-kiosk/ciba-kiosk/internal/qr"
)

// image returns the terminal in black and white, each cell 8 by 16 pixels.
func (x *terminal) image() image.Image {
	const w, h = 8, 16
	x.mu.Lock()
	defer x.mu.Unlock()
	columns, rows := x.vt.Size()
	img := image.NewGray(image.Rect(0, 0, columns*w, rows*h))
	light := func(c vt10x.Color) color.Gray {
		if c == vt10x.LightGrey || c == vt10x.White || c == vt10x.DefaultFG {
			return color.Gray{255}
		}
		return color.Gray{}
	}
	for y := range rows {
		for column := range columns {
			c := x.vt.Cell(column, y)
			for py := range h {
				ink := c.Char == '█' || c.Char == '▀' && py < h/2 || c.Char == '▄' && py >= h/2
				for px := range w {
					if ink {
						img.SetGray(column*w+px, y*h+py, light(c.FG))
					} else {
						img.SetGray(column*w+px, y*h+py, light(c.BG))
					}
				}
			}
		}
	}
	return img
}

// scanned returns the text of the QR code on the terminal. Inverted codes are not read, because not every phone reads
// them.
func (x *terminal) scanned() (text string) {
	x.t.Helper()
	x.until("a code that a phone can read", func(string) bool {
		bmp, err := gozxing.NewBinaryBitmapFromImage(x.image())
		if err != nil {
			x.t.Fatal(err)
		}
		res, err := qrcode.NewQRCodeReader().Decode(bmp, map[gozxing.DecodeHintType]interface{}{
			gozxing.DecodeHintType_TRY_HARDER: true, gozxing.DecodeHintType_CHARACTER_SET: "UTF-8",
		})
		if err == nil {
			text = res.GetText()
		}
		return err == nil
	})
	return text
}

// report returns the JSON lines that were written to the terminal.
func (x *terminal) report() (r doctor.Report) {
	x.t.Helper()
	for row := range strings.Lines(x.written()) {
		if !strings.HasPrefix(row, "{") {
			continue
		}
		var l doctor.Line
		if err := json.Unmarshal([]byte(row), &l); err != nil {
			x.t.Fatalf("%q: %v", row, err)
		}
		r = append(r, l)
	}
	return r
}

// TestDoctorReportAsQRCode: the QR code contains the report with the cause of the failure, and no secret and no
// identifier, even if secrets are in the wrong settings.
func TestDoctorReportAsQRCode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		settings []string
		code     int
		says     string
	}{
		{"all is well", nil, 0, " ok"},
		{"a wrong secret", []string{"KIOSK_CLIENT_SECRET_FILE="}, 3, "; FAILED client: "},
		{"secrets in the wrong places", []string{"KIOSK_CLIENT_AUTH=", "KIOSK_IDLE_TIMEOUT=", "KIOSK_READY_LINK="}, 3, "; FAILED settings: KIOSK_"},
		{"nobody at the address", []string{"KIOSK_ISSUER=http://127.0.0.1:1"}, 13, "; FAILED route: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newCanaryRig(t)
			r.auto("approve", 0, "")
			if visit := r.startWith(canaryPerson+"\n", "login", "--json"); visit.wait() != 0 {
				t.Fatal(visit.err.text())
			}
			mistaken := canary.Make("mistaken")
			for _, s := range c.settings {
				switch {
				case s == "KIOSK_CLIENT_SECRET_FILE=":
					s += r.write("other", mistaken)
				case strings.HasSuffix(s, "="):
					s += mistaken
				}
				r.set(s)
			}
			x := r.startIn(120, 100, nil, "doctor", "--qr", "--json")
			if code := x.waitForExit(); code != c.code {
				t.Errorf("exit code %d, want %d\n%s", code, c.code, x.picture())
			}
			text := x.scanned() // it stands behind the lines
			if want := x.report().Short("kiosk doctor "+buildFacts().Version+" "+r.env["KIOSK_SITE"], qr.MaxText); text != want {
				t.Errorf("a phone reads\n%s\nthe report is\n%s", text, want)
			}
			if !strings.Contains(text, c.says) {
				t.Errorf("a phone reads %q, not %q", text, c.says)
			}
			noFindings(t, r.canaries(t, canaryPerson, mistaken).Find("the code", []byte(text)))
		})
	}
}

// runAsOtherUser runs a program as a user who owns nothing on the device.
func runAsOtherUser(cmd *exec.Cmd) {
	const nobodys = 54321 // no system gives it away
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobodys, Gid: nobodys}
}

// openToOthers copies the program to the device's folder, and lets all users enter the folder and start it.
func (r *rig) openToOthers(t *testing.T) {
	t.Helper()
	for dir := r.dir; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// Copy it by another process: if this process had it open for writing, a process that another
	// test starts meanwhile would inherit the descriptor, and the file could not be executed.
	r.path = filepath.Join(r.dir, "kiosk")
	if out, err := exec.Command("cp", kioskPath(t), r.path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestDoctorAsAnotherUser: for a technician who is not root, doctor reports checks of private files as hidden, not as a
// missing registration, and runs all other checks.
func TestDoctorAsAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user: run it as root to test the doctor of an unprivileged one")
	}
	shop := func(t *testing.T) *rig {
		r := newRig(t)
		r.start("login", "nobody").wait() // there is a record
		r.openToOthers(t)
		// The settings are only in the file, as on a device.
		var env strings.Builder
		for name, value := range r.env {
			if strings.HasPrefix(name, "KIOSK_") {
				env.WriteString(name + "=\"" + value + "\"\n")
				delete(r.env, name)
			}
		}
		r.write("kiosk.env", env.String())
		return r
	}
	settings := func(x *terminal) doctor.Line {
		for _, l := range x.report() {
			if l.Result == check.Failed {
				x.t.Errorf("a check without access is reported as failed: %+v", l)
			}
			if l.Check == "settings" {
				return l
			}
		}
		x.t.Fatalf("no check of the settings:\n%s", x.picture())
		return doctor.Line{}
	}

	t.Run("who may not read the settings", func(t *testing.T) {
		t.Parallel()
		r := shop(t)
		x := r.startIn(120, 60, runAsOtherUser, "doctor", "--json")
		if code := x.waitForExit(); code != 1 {
			t.Errorf("exit code %d", code)
		}
		if l := settings(x); !l.IsHidden() || !strings.Contains(l.Text, "this user may not read it") || !strings.Contains(l.Text, "kiosk.env") || !strings.Contains(l.Fix, "sudo kiosk doctor") {
			t.Errorf("%+v", l)
		}
		for _, l := range x.report() {
			if l.Check == "clock" && l.Result != check.Passed || l.Check == "credentials" && l.Behind != "settings" {
				t.Errorf("%+v", l)
			}
		}
	})
	t.Run("who may read the settings, but no secret", func(t *testing.T) {
		t.Parallel()
		r := shop(t)
		if err := os.Chmod(filepath.Join(r.dir, "kiosk.env"), 0o644); err != nil {
			t.Fatal(err)
		}
		x := r.startIn(120, 60, runAsOtherUser, "doctor", "--json")
		if code := x.waitForExit(); code != 1 {
			t.Errorf("exit code %d", code)
		}
		if l := settings(x); !l.IsHidden() || !strings.Contains(l.Text, "KIOSK_CLIENT_SECRET_FILE") {
			t.Errorf("%+v", l)
		}
		for _, l := range x.report() {
			switch l.Check {
			case "disk":
				if l.Result != check.Passed {
					t.Errorf("%+v", l)
				}
			case "store", "credentials", "resident":
				if l.Result != check.Skipped || !strings.Contains(l.Text, "only ") {
					t.Errorf("%+v", l)
				}
			}
		}
	})
	t.Run("who has a secret of their own", func(t *testing.T) {
		t.Parallel()
		r := shop(t)
		secret := r.write("mine", "development-only-basic-secret")
		if err := os.Chown(secret, 54321, 54321); err != nil {
			t.Fatal(err)
		}
		r.write("kiosk.env", strings.ReplaceAll(r.file("kiosk.env"), filepath.Join(r.dir, "client-secret"), secret))
		if err := os.Chmod(filepath.Join(r.dir, "kiosk.env"), 0o644); err != nil {
			t.Fatal(err)
		}
		x := r.startIn(120, 60, runAsOtherUser, "doctor", "--json")
		if code := x.waitForExit(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		for _, l := range x.report() {
			if l.Check == "client" && l.Result != check.Passed || l.Check == "terminal" && !strings.Contains(l.Text, "120x60") && l.Result != check.Skipped {
				t.Errorf("%+v", l)
			}
		}
	})
}
