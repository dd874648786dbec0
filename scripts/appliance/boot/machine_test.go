//go:build boot

package boot

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience is the time limit of a step in an emulated machine on a busy host.
const patience = 4 * time.Minute

// machine is a QEMU machine that starts from an image and can be powered off at any moment.
type machine struct {
	t      *testing.T
	dir    string // sockets, the layer over the image, pictures
	image  string // folder of scripts/image
	qemu   *exec.Cmd
	shell  net.Conn
	answer *bufio.Reader
}

// newMachine returns a machine whose disk begins as the image and keeps what is written between starts.
func newMachine(t *testing.T, image, pictures string) *machine {
	m := &machine{t: t, dir: t.TempDir(), image: image}
	m.host("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", image+"/ciba-kiosk-amd64.img", m.dir+"/disk.qcow2")
	t.Cleanup(func() {
		m.picture(pictures, "last")
		m.cut()
	})
	return m
}

func (m *machine) host(name string, args ...string) {
	m.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		m.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// plugIn starts the machine and waits until its root shell answers.
func (m *machine) plugIn() {
	m.t.Helper()
	options, err := os.ReadFile(m.image + "/ciba-kiosk-amd64.cmdline")
	if err != nil {
		m.t.Fatal(err)
	}
	for _, s := range []string{"qmp", "shell"} {
		os.Remove(m.dir + "/" + s)
	}
	accel := "tcg,thread=multi,tb-size=512"
	m.qemu = exec.Command("qemu-system-x86_64", "-machine", "pc", "-cpu", "qemu64", "-accel", accel, "-smp", "2", "-m", "512",
		"-display", "none", "-no-user-config", "-nic", "none", "-vga", "std",
		"-kernel", m.image+"/ciba-kiosk-amd64.vmlinuz", "-initrd", m.image+"/ciba-kiosk-amd64.initrd", "-append", strings.TrimSpace(string(options)),
		"-drive", "file="+m.dir+"/disk.qcow2,if=virtio,format=qcow2,cache=writethrough",
		"-serial", "file:"+m.dir+"/serial.log",
		"-qmp", "unix:"+m.dir+"/qmp,server=on,wait=off",
		"-device", "virtio-serial-pci", "-chardev", "socket,id=shell,path="+m.dir+"/shell,server=on,wait=off",
		"-device", "virtserialport,chardev=shell,name=shell")
	log, err := os.Create(m.dir + "/qemu.log")
	if err != nil {
		m.t.Fatal(err)
	}
	defer log.Close()
	m.qemu.Stdout, m.qemu.Stderr = log, log
	if err := m.qemu.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.until("a root shell", func() error {
		if m.shell == nil {
			c, err := net.Dial("unix", m.dir+"/shell")
			if err != nil {
				return err
			}
			m.shell, m.answer = c, bufio.NewReader(c)
		}
		_, err := m.try("true", 5*time.Second)
		return err
	})
}

// cut powers the machine off: what it has not flushed to its disk is lost.
func (m *machine) cut() {
	if m.qemu == nil {
		return
	}
	m.qemu.Process.Kill()
	m.qemu.Wait()
	m.shell.Close()
	m.qemu, m.shell = nil, nil
}

// until repeats a check until it passes.
func (m *machine) until(what string, f func() error) {
	m.t.Helper()
	began := time.Now()
	for {
		err := f()
		if err == nil {
			m.t.Logf("%s after %.1f s", what, time.Since(began).Seconds())
			return
		}
		if time.Since(began) > patience {
			m.t.Fatalf("%s: not within %v: %v\nscreen:\n%s", what, patience, err, m.screenOr())
		}
		time.Sleep(300 * time.Millisecond)
	}
}

func (m *machine) screenOr() string {
	s, err := m.read()
	if err != nil {
		s = err.Error()
	}
	log, _ := m.try("journalctl -b -n 30 --no-pager", 20*time.Second)
	return s + "\nlog:\n" + log
}

// sh runs a script as root in the machine; it must succeed.
func (m *machine) sh(script string) string {
	m.t.Helper()
	out, err := m.try(script, patience)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

// try runs a script. It sends one line with the script and reads one line with exit code and output, in base64.
func (m *machine) try(script string, limit time.Duration) (string, error) {
	if m.shell == nil {
		return "", errors.New("the machine is off")
	}
	id := strconv.FormatInt(time.Now().UnixNano(), 36)
	m.shell.SetDeadline(time.Now().Add(limit))
	if _, err := fmt.Fprintf(m.shell, "%s %s\n", id, base64.StdEncoding.EncodeToString([]byte(script))); err != nil {
		return "", err
	}
	for {
		line, err := m.answer.ReadString('\n')
		if err != nil {
			// The shell may not have started yet; the next try sends another line.
			m.answer.Reset(m.shell)
			return "", err
		}
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != id {
			continue // the answer to an earlier try
		}
		var out []byte
		if len(f) == 3 {
			out, _ = base64.StdEncoding.DecodeString(f[2])
		}
		if f[1] != "0" {
			return string(out), fmt.Errorf("exit %s", f[1])
		}
		return string(out), nil
	}
}

// screen reads the first virtual terminal as text.
func (m *machine) screen() string {
	m.t.Helper()
	s, err := m.read()
	if err != nil {
		m.t.Fatalf("screen: %v", err)
	}
	return s
}

func (m *machine) read() (string, error) {
	out, err := m.try("(head -c 4 /dev/vcsa1; cat /dev/vcsu1) | base64 -w0", 30*time.Second)
	if err != nil {
		return "", err
	}
	raw, err := base64.StdEncoding.DecodeString(out)
	if err != nil || len(raw) < 4 {
		return "", fmt.Errorf("%d bytes, %v", len(raw), err)
	}
	columns, cells := int(raw[1]), raw[4:]
	var b strings.Builder
	for i := 0; i+4 <= len(cells); i += 4 * columns {
		var row strings.Builder
		for c := i; c < i+4*columns && c+4 <= len(cells); c += 4 {
			row.WriteRune(rune(binary.LittleEndian.Uint32(cells[c:])))
		}
		b.WriteString(strings.TrimRight(row.String(), " ") + "\n")
	}
	return b.String(), nil
}

// shows waits until a text is on the screen.
func (m *machine) shows(text string) {
	m.t.Helper()
	m.until("the screen shows "+strconv.Quote(text), func() error {
		if s := m.screen(); !strings.Contains(s, text) {
			return errors.New("it does not")
		}
		return nil
	})
}

// press presses keys by their QEMU names; a hyphen joins keys that are pressed together.
func (m *machine) press(chords ...string) {
	m.t.Helper()
	for _, c := range chords {
		var keys []map[string]string
		for _, k := range strings.Split(c, "-") {
			keys = append(keys, map[string]string{"type": "qcode", "data": k})
		}
		if err := m.qmp("send-key", map[string]any{"keys": keys, "hold-time": 40}); err != nil {
			m.t.Fatal(err)
		}
		time.Sleep(150 * time.Millisecond)
	}
}

// picture saves the picture on the screen.
func (m *machine) picture(folder, name string) {
	if folder == "" || m.qemu == nil {
		return
	}
	path, err := filepath.Abs(filepath.Join(folder, name+".png"))
	if err == nil {
		err = m.qmp("screendump", map[string]any{"filename": path, "format": "png"})
	}
	if err != nil {
		m.t.Logf("picture %s: %v", name, err)
	}
}

// qmp sends QEMU one command.
func (m *machine) qmp(command string, arguments map[string]any) error {
	c, err := net.Dial("unix", m.dir+"/qmp")
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	e, d := json.NewEncoder(c), json.NewDecoder(c)
	for _, q := range []map[string]any{{"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}} {
		if err := e.Encode(q); err != nil {
			return err
		}
		for {
			var r struct {
				Return json.RawMessage `json:"return"`
				Error  *struct {
					Desc string `json:"desc"`
				} `json:"error"`
			}
			if err := d.Decode(&r); err != nil {
				return err
			}
			if r.Error != nil {
				return errors.New(r.Error.Desc)
			}
			if r.Return != nil {
				break
			}
		}
	}
	return nil
}
