// Package support writes the support bundle: what a remote helper needs to know about a device, without secrets and
// personal data. The bundle contains only what this package names; it copies no file of the device, so that unexpected
// content of a file cannot get into it.
package support

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Options describe the device.
type Options struct {
	doctor.Options
	Version any // facts about the program
	Now     time.Time
	// Doctor examines the device.
	Doctor func(context.Context) doctor.Report
	// OpenStore opens the record of visits for reading.
	OpenStore func() (*store.Store, error)
}

// Write writes the bundle to w (tar, gzip).
func Write(ctx context.Context, w io.Writer, o Options) error {
	packed := gzip.NewWriter(w)
	b := &bundle{archive: tar.NewWriter(packed), time: o.Now.Truncate(time.Second)}
	b.addJSON("version.json", o.Version)
	b.addJSON("settings.json", maskInvalid(o.Settings, o.LoadErr))
	b.addJSON("doctor.json", o.Doctor(ctx))
	if o.Status != nil {
		if s, err := o.Status(ctx); err == nil {
			b.addJSON("status.json", maskTexts(s))
		}
	}
	b.addJSON("visits.json", summarize(o.OpenStore))
	b.add("machine.txt", []byte(machine(o.Options)))
	if err := errors.Join(b.err, b.archive.Close(), packed.Close()); err != nil {
		return fmt.Errorf("support: %w", err)
	}
	return nil
}

// bundle is an archive under construction.
type bundle struct {
	archive *tar.Writer
	time    time.Time
	err     error // the first one
}

func (b *bundle) add(name string, data []byte) {
	if b.err != nil {
		return
	}
	b.err = b.archive.WriteHeader(&tar.Header{Name: "kiosk-support/" + name, Mode: 0o600, Size: int64(len(data)), ModTime: b.time, Format: tar.FormatUSTAR})
	if b.err == nil {
		_, b.err = b.archive.Write(data)
	}
}

func (b *bundle) addJSON(name string, v any) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil && b.err == nil {
		b.err = err
	}
	b.add(name, text.Bytes())
}

// maskInvalid returns the settings without invalid values: a value in the wrong place is often a secret.
func maskInvalid(s *config.Settings, loadErr error) []config.Row {
	rows := s.Rows()
	var all config.Problems
	errors.As(loadErr, &all)
	for i := range rows {
		for _, p := range all {
			if p.Setting == rows[i].Name && rows[i].Value != "" {
				rows[i].Value = "[wrong]"
			}
		}
	}
	return rows
}

// maskTexts returns the status without texts that people wrote, and without a code that is still valid.
func maskTexts(s status.Status) status.Status {
	if s.Service.Text != "" {
		s.Service.Text = "[a text]"
	}
	if s.SetUp != nil && s.SetUp.Code != "" {
		progress := *s.SetUp
		progress.Code, progress.Complete = "[a code]", "[with a code]"
		s.SetUp = &progress
	}
	if s.Settings != "" {
		s.Settings = "[refused]"
	}
	return s
}

// visits summarizes the record of visits.
type visits struct {
	Number int            `json:"number"`
	From   time.Time      `json:"from,omitzero"`
	To     time.Time      `json:"to,omitzero"`
	Stages map[string]int `json:"stages,omitempty"`
	Ended  map[string]int `json:"ended,omitempty"` // by reason
	Notes  int            `json:"notes,omitempty"` // entries about the record itself
	Chain  *chain         `json:"chain,omitempty"`
	Error  string         `json:"error,omitempty"`
}

// chain is the outcome of kiosk journal verify. Its head, compared with a later one, shows whether an old copy of the file
// was put back.
type chain struct {
	Whole bool `json:"whole"`
	store.Report
}

func summarize(open func() (*store.Store, error)) visits {
	v := visits{Stages: map[string]int{}, Ended: map[string]int{}}
	st, err := open()
	if err != nil {
		v.Error = sanitize.Line(err.Error())
		return v
	}
	defer st.Close()
	report, err := st.Verify()
	if err != nil {
		v.Error = sanitize.Line(err.Error())
		return v
	}
	for i := range report.Problems {
		report.Problems[i] = sanitize.Line(report.Problems[i])
	}
	v.Chain = &chain{report.Intact(), report}
	for visit, err := range st.Visits() {
		if err != nil {
			v.Error = sanitize.Line(err.Error())
			return v
		}
		if visit.Note != "" {
			v.Notes++
			continue
		}
		v.Number++
		v.Stages[visit.Stage.String()]++
		if visit.Reason != kiosk.NoReason {
			v.Ended[visit.Reason.String()]++
		}
		if v.From.IsZero() || visit.Began.Before(v.From) {
			v.From = visit.Began
		}
		if visit.Last.After(v.To) {
			v.To = visit.Last
		}
	}
	return v
}
