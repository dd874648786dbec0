package main

import (
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/app"
	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
)

// exportedVisit is a visit as it leaves the device. Person and Identifier are filled in only with the key.
type exportedVisit struct {
	store.Visit
	Person     string `json:"person,omitempty"`     // the person's keyed hash, 32 hexadecimal digits
	Identifier string `json:"identifier,omitempty"` // of a visit in progress; it is not kept longer
}

// journalExport writes all visits, oldest first.
func journalExport(std streams, st *store.Store, o journalOptions) error {
	names, err := identifiers(o)
	if err != nil {
		return err
	}
	var all []exportedVisit
	for v, err := range st.Visits() {
		if err != nil {
			return err
		}
		x := exportedVisit{Visit: v}
		if x.Visit.Person = ""; o.keyFile != "" && v.Note == "" {
			x.Person, x.Identifier = hex.EncodeToString(v.Tag[:]), names[v.Visit]
		}
		all = append(all, x)
	}
	e, table := json.NewEncoder(std.out), csv.NewWriter(std.out)
	if !o.json {
		table.Write([]string{"number", "began", "last", "visit", "stage", "reason", "code", "note", "person", "identifier", "technician"})
	}
	for i := len(all) - 1; i >= 0; i-- {
		x := all[i]
		if o.json {
			err = e.Encode(x)
		} else {
			stage := ""
			if x.Stage != 0 {
				stage = x.Stage.String()
			}
			err = table.Write([]string{
				fmt.Sprint(x.Number), x.Began.Format(time.RFC3339), x.Last.Format(time.RFC3339), x.Visit.Visit, stage,
				x.Reason.String(), x.Code, x.Note, x.Person, x.Identifier, strconv.FormatBool(x.Technician),
			})
		}
		if err != nil {
			return fmt.Errorf("output: %w", err)
		}
	}
	table.Flush()
	return table.Error()
}

// identifiers returns the identifiers of the visits in progress if the caller has the store key in a file; else none.
func identifiers(o journalOptions) (map[string]string, error) {
	if o.keyFile == "" {
		return nil, nil
	}
	with, err := app.ReadStore(o.settings, "kiosk journal", o.keyFile)
	if err != nil {
		return nil, fmt.Errorf("--key-file: %w", err)
	}
	defer with.Close()
	left, err := with.Unfinished()
	names := map[string]string{}
	for _, r := range left {
		names[r.Visit] = string(r.Secrets.Identifier)
		r.Secrets.Zero()
	}
	return names, err
}
