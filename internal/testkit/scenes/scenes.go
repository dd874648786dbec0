// Package scenes lists the screens of a visit as examples: one scene for each screen that a customer or a technician may see.
// The goldens of kiosk/screen and the program tools/pictures draw the same scenes.
package scenes

import (
	"fmt"
	"slices"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/words"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// Now is the uptime in every scene.
const Now = 12 * time.Hour

// Scene is one screen as somebody may see it.
type Scene struct {
	Name    string
	State   kiosk.State
	Private kiosk.Private
	Device  screen.Device
}

// All returns the scenes in the order of a visit.
func All() []Scene {
	return slices.Concat(closed(), ready(), identify(), userCode(), asking(), waiting(), deviceFlow(), working(), shown(), ended(),
		technician(), []Scene{scene("clearing", in(kiosk.Clearing))})
}

// Named returns the scene with a name.
func Named(name string) (Scene, error) {
	for _, s := range All() {
		if s.Name == name {
			return s, nil
		}
	}
	return Scene{}, fmt.Errorf("there is no scene %q", name)
}

// View returns the scene's screen on a device that offers languages, in one of them.
func (s Scene) View(languages []*words.Catalog, language int) screen.Screen {
	s.State.Language, s.State.Rules.Languages = language, len(languages)
	s.Device.Languages = LanguageNames(languages)
	return screen.View(s.State, Now, languages[language], s.Private, s.Device)
}

// Languages returns all message catalogues, English first.
func Languages() ([]*words.Catalog, error) {
	codes := slices.DeleteFunc(words.Languages(), func(code string) bool { return code == "en" })
	var all []*words.Catalog
	for _, code := range append([]string{"en"}, codes...) {
		c, err := words.Open(code)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// LanguageNames returns the languages' own names.
func LanguageNames(languages []*words.Catalog) []string {
	var names []string
	for _, c := range languages {
		names = append(names, c.Name())
	}
	return names
}

// Device returns the device on which the scenes play.
func Device() screen.Device {
	return screen.Device{Site: "Parcel station 4", Name: "kiosk-0042", Address: "192.0.2.17"}
}

// change makes one scene's state differ from the phase's usual one.
type change = func(*kiosk.State)

// in returns the state of a visit that has just entered a phase.
func in(p kiosk.Phase, changes ...change) kiosk.State {
	s := kiosk.New(kiosk.DefaultRules())
	s.Phase, s.Since, s.LastInput = p, Now, Now
	for _, c := range changes {
		c(&s)
	}
	return s
}

// scene returns a scene on the usual device with nothing private on its screen.
func scene(name string, s kiosk.State) Scene { return Scene{Name: name, State: s, Device: Device()} }

func typed(name string, s kiosk.State, input string) Scene {
	sc := scene(name, s)
	sc.Private.Input = input
	return sc
}

func withResult(name string, s kiosk.State, r kiosk.Result) Scene {
	sc := scene(name, s)
	sc.Private.Result = r
	return sc
}

func idlePrompt(s *kiosk.State) { s.Idle.Prompted, s.Idle.PromptedAt = true, Now-8*time.Second }
func help(s *kiosk.State)       { s.Help = true }
func touch(s *kiosk.State)      { s.Keypad.On = true }

func connectionLost(s *kiosk.State)    { s.Request.Schedule.ConnectionLost = true }
func deviceFlowOffered(s *kiosk.State) { s.Rules.DeviceFlow = true }

func kind(k kiosk.IdentifierKind) change { return func(s *kiosk.State) { s.Rules.Kind = k } }
func reason(r kiosk.Reason) change       { return func(s *kiosk.State) { s.Ending.Reason = r } }
func length(n int) change                { return func(s *kiosk.State) { s.Input.Length = n } }

func problem(n int, p kiosk.Problem) change {
	return func(s *kiosk.State) { s.Input = kiosk.Input{Length: n, Problem: p, ProblemShown: true} }
}
