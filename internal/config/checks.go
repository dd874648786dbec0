package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Checks examines the settings and the rights of the files that they name.
type Checks struct {
	Settings *Settings // never nil
	Err      error     // from Load, or from a package that reads a setting
	EnvFile  string    // where the settings are
}

// CheckSettings reports the first problem of the settings. It shows no invalid value, because that may be a secret.
func (c *Checks) CheckSettings() check.Outcome {
	if c.Err == nil {
		return check.Pass("all settings are valid")
	}
	problems := c.Problems()
	if text := c.Hidden(); text != "" {
		fix := "run it as root or as the kiosk's user: sudo kiosk doctor"
		if len(problems) > 0 && problems[0].Sealed {
			fix = "let systemd decrypt this credential and the other encrypted ones: " +
				"sudo systemd-run --pipe --wait -p LoadCredentialEncrypted=client-key:kiosk.client-key kiosk doctor"
		}
		return check.Hidden(text, fix)
	}
	if errors.Is(c.Err, ErrNotProvisioned) {
		return check.Fail(kiosk.NotProvisioned, ErrNotProvisioned.Error(), "register this device: kiosk provision")
	}
	fix := "correct it in " + c.EnvFile + ", then run: kiosk config check"
	if len(problems) == 0 {
		first, _, _ := strings.Cut(c.Err.Error(), "\n")
		return check.Fail(kiosk.ReasonOf(c.Err), sanitize.Line(first), fix)
	}
	p := problems[0]
	p.Value = ""
	switch {
	case p.Fix != "":
		fix = p.Fix
	case strings.Contains(p.Allowed, "chmod 600"):
		fix = "let only the kiosk's user own and read the file: chmod 600 FILE"
	case p.Suggestion != "":
		fix = "write " + p.Suggestion + " instead, in " + c.EnvFile + "; then run: kiosk config check"
	}
	text := sanitize.Line(p.Error())
	if len(problems) > 1 {
		text += " (and more: kiosk config check)"
	}
	return check.Fail(kiosk.ReasonOf(c.Err), text, fix)
}

// hasTPM reports whether this machine has a TPM 2.0 for systemd-creds.
func hasTPM() bool {
	_, err := os.Stat("/dev/tpmrm0")
	return err == nil
}

// Hidden names settings that this user may not read, if nothing else is wrong with the settings; otherwise it returns
// the empty string. Root and the kiosk's user may read everything that is not encrypted for the service.
func (c *Checks) Hidden() string {
	if !errors.Is(c.Err, fs.ErrPermission) {
		return ""
	}
	text, problems := sanitize.Line(c.Err.Error()), c.Problems()
	if len(problems) == 0 && c.isPrivileged() {
		return ""
	}
	if slices.ContainsFunc(problems, func(p Problem) bool { return !p.Denied || c.isPrivileged() && !p.Sealed }) {
		return ""
	}
	if len(problems) > 0 {
		p := problems[0]
		p.Value, p.Allowed = "", ""
		text = sanitize.Line(p.Error())
	}
	return "this user may not read it: " + text
}

// Problems returns the problems of the settings, if Err consists of them.
func (c *Checks) Problems() Problems {
	var all Problems
	errors.As(c.Err, &all)
	return all
}

// isPrivileged reports whether this process runs as root or as the kiosk's user, who owns the state folder.
func (c *Checks) isPrivileged() bool {
	if os.Geteuid() == 0 {
		return true
	}
	info, err := os.Stat(c.Settings.StateDir)
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// CheckRights examines whether other users can read a secret or change a setting.
func (c *Checks) CheckRights() check.Outcome {
	s := c.Settings
	for _, f := range []struct {
		path      string
		forbidden fs.FileMode
		fix       string
	}{
		{c.EnvFile, 0o002, "chmod o-w " + c.EnvFile},
		{s.StateDir, 0o077, "chmod 700 " + s.StateDir},
		{s.ClientKey.Path, 0o066, "chmod 600 " + s.ClientKey.Path},
		{s.StoreKey.Path, 0o066, "chmod 600 " + s.StoreKey.Path},
		{s.PingKey.Path, 0o066, "chmod 600 " + s.PingKey.Path},
	} {
		info, err := os.Stat(f.path)
		if errors.Is(err, fs.ErrPermission) {
			return check.Skip("only root and the kiosk's user may examine " + f.path)
		}
		if f.path == "" || err != nil || strings.HasPrefix(f.path, "/run/credentials/") { // systemd protects that folder
			continue
		}
		if mode := info.Mode().Perm(); mode&f.forbidden != 0 {
			return check.Warn(fmt.Sprintf("%s is accessible to other users (mode %04o)", f.path, mode), f.fix)
		}
	}
	if sealed, err := filepath.Glob(filepath.Join(encryptedCredstore, "kiosk.*")); err == nil && len(sealed) > 0 && !hasTPM() {
		return check.Warn("the secrets are encrypted, but without a TPM their key is on the same card: a thief of the card has both",
			"encrypt them with --with-key=tpm2 on a device that has one; when a card is stolen, revoke its client at once")
	}
	return check.Pass("no other user can read the secrets")
}
