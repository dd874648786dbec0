package app

import (
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/display"
	"github.com/ciba-kiosk/ciba-kiosk/internal/logo"
	"github.com/ciba-kiosk/ciba-kiosk/internal/tui"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// buildFace checks and reads what the screens look like: theme, accent colour, logo and welcome.
func (a *App) buildFace() error {
	s := a.settings
	var wrong []error
	known := slices.Contains(tui.Themes(), s.Theme)
	if !known {
		wrong = append(wrong, config.Problems{s.UnknownValue("KIOSK_THEME", s.Theme, tui.Themes())})
	}
	reject := func(setting string, err error) {
		if err != nil {
			wrong = append(wrong, kiosk.Fail(kiosk.Misconfigured, setting, err))
		}
	}
	if s.Accent != "" && known {
		_, err := tui.CheckAccent(s.Theme, s.Accent)
		reject("KIOSK_ACCENT", err)
	}
	for language := range s.Welcome {
		if language != "" && !slices.Contains(s.Languages, language) {
			reject("KIOSK_WELCOME", errors.New("a text is for "+language+", which is not in KIOSK_LANGUAGES"))
		}
	}
	if s.Logo.IsSet() {
		reject("KIOSK_LOGO", a.readLogo())
	}
	return errors.Join(wrong...)
}

// readLogo reads the owner's picture. A symbolic link is refused: whoever can write it would choose what the kiosk reads.
func (a *App) readLogo() (err error) {
	if info, statErr := os.Lstat(a.settings.Logo.Path); statErr == nil && info.Mode()&fs.ModeSymlink != 0 {
		return errors.New("is a symbolic link; name the file itself")
	}
	a.logo, err = logo.Parse(a.settings.Logo.Data)
	return err
}

// terminalOptions returns how the terminal at path is opened.
func (a *App) terminalOptions(path string) tui.Options {
	o := display.TerminalOptions(a.settings, path)
	o.Logo = a.logo
	if a.settings.Accent != "" {
		o.Accent, _ = tui.CheckAccent(a.settings.Theme, a.settings.Accent) // checked by buildFace
	}
	return o
}

// welcomes returns the owner's text in each language.
func (a *App) welcomes() (all []string) {
	for _, language := range a.settings.Languages {
		text, ok := a.settings.Welcome[language]
		if !ok {
			text = a.settings.Welcome[""]
		}
		all = append(all, text)
	}
	return all
}
