//go:build boot

package boot

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"strings"
	"testing"
	"time"
)

var (
	image    = flag.String("image", "", "folder with the image of scripts/appliance/test-boot")
	pictures = flag.String("pictures", "", "folder for pictures of the screen")
)

// Texts of the customer's screens in English.
const (
	ready    = "Scan your card, or press any key"
	waiting  = "Please look at your phone"
	approved = "Your details are here"
)

// TestDeviceFromPowerOn follows one device from its first start.
func TestDeviceFromPowerOn(t *testing.T) {
	if *image == "" {
		t.Fatal("no image: run make test-boot")
	}
	m := newMachine(t, *image, *pictures)
	story := func(name string, f func(t *testing.T)) {
		t.Helper()
		if !t.Run(name, func(t *testing.T) {
			m.t = t
			f(t)
		}) {
			t.Fatalf("%s failed: the later steps would prove nothing", name)
		}
		m.t = t
	}

	story("it starts by itself", func(t *testing.T) {
		m.plugIn()
		m.shows(ready)
		m.picture(*pictures, "ready")
		t.Log(strings.TrimSpace(m.sh("systemd-analyze critical-chain kiosk.service --no-pager | head -n 4; systemctl show -p ExecMainStartTimestampMonotonic -p ActiveEnterTimestampMonotonic -p MemoryCurrent kiosk")))
	})

	story("no login prompt is on the kiosk's terminal", func(t *testing.T) {
		if got := m.sh("systemctl is-active getty@tty1 || true"); got != "inactive\n" {
			t.Errorf("getty is %s", got)
		}
		if got := m.sh("ps -o comm= -t tty1"); got != "kiosk\n" {
			t.Errorf("on tty1: %q", got)
		}
	})

	story("no key leaves the kiosk or switches the device off", func(t *testing.T) {
		m.staysThroughKeys(waysOut...)
		m.sh("systemctl is-active kiosk")
		m.press("esc", "esc", "esc") // end whatever these keys began
		m.shows(ready)
	})

	story("kernel messages do not stay on the screen", func(t *testing.T) {
		m.sh("echo '<2>FOREIGN TEXT of the kernel' >/dev/kmsg; printf 'FOREIGN TEXT of somebody\\n' >/dev/tty1")
		m.until("the screen is the kiosk's again", func() error {
			if strings.Contains(m.screen(), "FOREIGN") {
				return errors.New("it is not yet")
			}
			return nil
		})
		m.shows(ready)
	})

	story("a visit by keys", func(t *testing.T) {
		m.press("spc")
		m.press(strings.Split("alice", "")...)
		m.press("ret")
		m.shows(waiting)
		m.picture(*pictures, "waiting")
		m.phone("approve", "alice")
		m.shows(approved)
		m.press("spc")
		m.shows("Alice")
		m.picture(*pictures, "result")
		m.press("esc")
		m.shows(ready)
		if s := m.screen(); strings.Contains(s, "Alice") {
			t.Errorf("the next customer sees:\n%s", s)
		}
	})

	story("a reload in the middle of a visit disturbs nobody", func(t *testing.T) {
		was := m.pid()
		m.press("spc")
		m.press(strings.Split("carol", "")...)
		m.press("ret")
		m.shows(waiting)
		m.sh("systemctl reload kiosk")
		m.shows(waiting)
		m.phone("approve", "carol")
		m.shows(approved)
		m.press("spc")
		m.shows("Carol")
		m.press("esc")
		m.shows(ready)
		m.sh("cp /etc/kiosk/kiosk.env /run/kiosk.env; echo KIOSK_ISSUR=x >>/etc/kiosk/kiosk.env; systemctl reload kiosk; sleep 3")
		m.shows(ready) // wrong settings are not applied
		m.sh("cat /run/kiosk.env >/etc/kiosk/kiosk.env; systemctl reload kiosk; sleep 2")
		m.shows(ready)
		if now := m.pid(); now != was {
			t.Errorf("process %s serves instead of %s", now, was)
		}
	})

	story("the palette is the console's own after a stop, and the login prompt is back", func(t *testing.T) {
		const read = "cat /sys/module/vt/parameters/default_red"
		ours := m.sh(read)
		m.sh("systemctl stop kiosk")
		own := m.sh(read)
		if ours == own || !strings.HasPrefix(own, "0,170,0,170,") {
			t.Errorf("red is %s while the kiosk serves, and %s afterwards", ours, own)
		}
		m.until("the login prompt is back", func() error {
			if got := m.sh("systemctl is-active getty@tty1 || true"); got != "active\n" {
				return errors.New(got)
			}
			return nil
		})
		m.sh("systemctl start kiosk")
		m.shows(ready)
		m.sh("systemctl kill --signal=KILL kiosk; systemctl stop kiosk")
		if got := m.sh(read); got != own {
			t.Errorf("red is %s after a kill and a stop", got)
		}
		m.sh("systemctl start kiosk")
		m.shows(ready)
	})

	story("status and doctor in a shell", func(t *testing.T) {
		out := m.sh("runuser -u kiosk -- kiosk status; runuser -u kiosk -- kiosk journal list")
		if !strings.Contains(out, "shown") || strings.Contains(strings.ToLower(out), "alice") {
			t.Errorf("%s", out)
		}
		// The client key is a credential of the unit; root can read it in a shell as well.
		if out, err := m.try("kiosk doctor", patience); err != nil || strings.Contains(out, "\nfailed") || !strings.Contains(out, "the server accepts this client") {
			t.Errorf("%v\n%s", err, out)
		}
	})

	story("a technician checks and restarts it at the screen", func(t *testing.T) {
		was := m.pid()
		m.press("ctrl-t")
		m.shows("Technician: who are you?")
		m.press(strings.Split("tara", "")...)
		m.press("ret")
		m.shows(waiting)
		m.phone("approve", "tara")
		m.shows("Technician's menu")
		m.press("2")
		m.shows("failed: ")
		m.picture(*pictures, "technician")
		if s := m.screen(); !strings.Contains(s, "failed: 0,") {
			t.Errorf("as the kiosk's own user, in the unit's sandbox, the doctor finds:\n%s", s)
		}
		m.press("esc", "4")
		m.until("another process serves", func() error {
			if now := m.pid(); now == was || now == "0" {
				return errors.New("still " + now)
			}
			return nil
		})
		m.shows(ready)
	})

	story("systemd restarts a kiosk that hangs", func(t *testing.T) {
		was := m.pid()
		m.sh("kill -STOP " + was)
		m.until("another process serves", func() error {
			if now := m.pid(); now == was || now == "0" {
				return errors.New("still " + now)
			}
			return nil
		})
		m.shows(ready)
		t.Log(m.sh("journalctl -b -o short-monotonic --no-pager -u kiosk _PID=1 | tail -n 12"))
	})

	story("a power cut in the middle of a visit", func(t *testing.T) {
		m.press("spc")
		m.press(strings.Split("bob", "")...)
		m.press("ret")
		m.shows(waiting)
		m.cut()
		m.plugIn()
		m.shows(ready)
		// The server counts requests since its own start, which is the machine's.
		if all := m.http("GET", "/dev/requests"); strings.Contains(all, `"backchannel"`) || !strings.Contains(all, `"discovery"`) {
			t.Errorf("a phone rang again, or the kiosk did not contact the server: %s", all)
		}
		var v visit
		m.until("the visit is closed", func() error {
			newest, _, _ := strings.Cut(m.sh("runuser -u kiosk -- kiosk journal list --json --limit 1"), "\n")
			if err := json.Unmarshal([]byte(newest), &v); err != nil || v.Stage != "ended" {
				return errors.New(newest)
			}
			return nil
		})
		if want := v.lost(); v.Reason != want {
			t.Errorf("it ended for %q, want %q: %+v", v.Reason, want, v)
		}
	})

	story("a wrong setting is reported on the screen and corrected", func(t *testing.T) {
		m.sh("echo KIOSK_ISSUR=x >>/etc/kiosk/kiosk.env; systemctl restart --no-block kiosk")
		m.shows("Out of service")
		m.shows("setting is missing or wrong")
		m.picture(*pictures, "fallback")
		m.staysThroughKeys(append(waysOut, "ctrl-c", "ctrl-backslash", "ctrl-z", "ctrl-s")...)
		m.shows("setting is missing or wrong")
		m.sh("sed -i /KIOSK_ISSUR/d /etc/kiosk/kiosk.env")
		m.shows(ready)
	})

	story("a device without a registration says so", func(t *testing.T) {
		m.sh("cp /etc/kiosk/kiosk.env /run/kiosk.env; mv /etc/credstore/kiosk.client-key /run/kept-key; sed -i /KIOSK_CLIENT_ID/d /etc/kiosk/kiosk.env; systemctl restart --no-block kiosk")
		m.shows("The device has no client registration")
		for range 10 { // it is never dark
			time.Sleep(time.Second)
			m.shows("The device has no client registration")
		}
		m.sh("mv /run/kept-key /etc/credstore/kiosk.client-key; cat /run/kiosk.env >/etc/kiosk/kiosk.env")
		m.shows(ready)
	})
}

// waysOut are the keys of a PC keyboard that leave a screen or switch a machine off.
var waysOut = []string{"ctrl-alt-f2", "alt-f3", "alt-left", "alt-right", "ctrl-alt-delete", "alt-sysrq-b", "alt-print-b", "scroll_lock", "ctrl-scroll_lock",
	"power", "sleep", "wake"}

// staysThroughKeys presses keys, and the button of the machine, and checks that the terminal is still in front.
func (m *machine) staysThroughKeys(keys ...string) {
	m.t.Helper()
	boot := m.sh("cat /proc/sys/kernel/random/boot_id")
	m.press(keys...)
	if err := m.qmp("system_powerdown", map[string]any{}); err != nil {
		m.t.Fatal(err)
	}
	time.Sleep(2 * time.Second) // logind acts at once
	if got := m.sh("fgconsole"); got != "1\n" {
		m.t.Errorf("terminal %s is in front", got)
	}
	if m.sh("cat /proc/sys/kernel/random/boot_id") != boot {
		m.t.Error("it rebooted")
	}
	if got := m.sh("systemctl is-system-running || true"); got == "stopping\n" {
		m.t.Error("it is shutting down")
	}
}

// visit is a visit on record.
type visit struct {
	Stage, Reason string
	Last          time.Time
	Steps         []struct {
		Stage    string
		Time     time.Time
		Expires  time.Duration `json:"expires_ns"`
		Interval time.Duration `json:"interval_ns"`
	}
}

// lost returns how a visit must end if the server has forgotten its request in the same power cut. If the machine is up again
// before the request expires, the kiosk polls, and the server does not know the request.
func (v visit) lost() string {
	for _, s := range v.Steps {
		if s.Stage == "asked" && v.Last.Before(s.Time.Add(s.Expires-s.Interval)) {
			return "unreachable"
		}
	}
	return "expired"
}

func (m *machine) pid() string {
	return strings.TrimSpace(cmp.Or(m.sh("systemctl show -p MainPID --value kiosk"), "0"))
}

// http sends a request to the development server in the machine.
func (m *machine) http(method, path string) string {
	m.t.Helper()
	return m.sh("printf '" + method + " " + path + " HTTP/1.0\\r\\nHost: 127.0.0.1:8765\\r\\nContent-Length: 0\\r\\n\\r\\n' | openssl s_client -quiet -verify_quiet -CAfile /etc/kiosk/ca.pem -connect 127.0.0.1:8765 2>&1")
}

// phone answers a request as a person does on the phone.
func (m *machine) phone(how, who string) {
	m.t.Helper()
	if out := m.http("POST", "/dev/"+how+"?user="+who); !strings.Contains(out, " 200 ") && !strings.Contains(out, " 204 ") {
		m.t.Fatalf("%s: %s", how, out)
	}
}
