package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/app"
	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

var journalVerb = verb{
	name:  "journal",
	about: "the visits on record: list, show, verify, export, prune",
	usage: `Usage: kiosk journal list [--json] [--limit N]
       kiosk journal show VISIT [--json]
       kiosk journal verify [--json]
       kiosk journal export [--json] [--key-file FILE]
       kiosk journal prune [--json] [--older-than DURATION]

list    the visits on record, newest first: when, how each ended, and a mark
        that is the same for the same person and tells nobody who that is
show    one visit, step by step
verify  follows the chain of all records and says what was changed, removed or
        added; exit code 1 if anything was. Who keeps the head that it prints
        can tell later whether the whole record was put back as it once was
export  all of it, oldest first, as a table; nothing personal unless you show
        that you have the key
prune   takes off record what is older than KIOSK_RETENTION; a kiosk that runs
        is asked to, and does so by itself once a day

All of them work while a kiosk runs; all but prune change nothing.

    --json           one JSON object a line
    --limit N        at most N visits (50); 0 is all
    --key-file FILE  the store's key: the export then has each person's whole
                     mark, and the identifier of a visit that is under way
    --older-than D   another age than KIOSK_RETENTION, as 720h
    --env-file FILE  settings, as systemd reads them (` + envFile + `)
`,
}

func init() { journalVerb.run = journal }

// journalJob is what one word after "journal" does.
type journalJob struct {
	arguments int                                                           // after the word
	flags     []string                                                      // that mean something to it, beside --json and --env-file
	do        func(std streams, st *store.Store, o journalOptions) error    // reads
	write     func(std streams, s *config.Settings, o journalOptions) error // instead of do: opens the store itself
}

// journalOptions are the flags and arguments.
type journalOptions struct {
	json      bool
	limit     int
	keyFile   string
	olderThan time.Duration
	visit     string
	settings  *config.Settings
}

func journalJobs() map[string]journalJob {
	return map[string]journalJob{
		"list":   {flags: []string{"limit"}, do: journalList},
		"show":   {arguments: 1, do: journalShow},
		"verify": {do: journalVerify},
		"export": {flags: []string{"key-file"}, do: journalExport},
		"prune":  {flags: []string{"older-than"}, write: journalPrune},
	}
}

func journal(_ context.Context, args []string, std streams) int {
	f := newFlags(journalVerb).withSettings()
	var o journalOptions
	f.BoolVar(&o.json, "json", false, "")
	f.IntVar(&o.limit, "limit", 50, "")
	f.StringVar(&o.keyFile, "key-file", "", "")
	f.DurationVar(&o.olderThan, "older-than", 0, "")
	rest, code, ok := f.parse(args, 1, 2, std)
	if !ok {
		return code
	}
	job, known := journalJobs()[rest[0]]
	if !known {
		return misused(std, "journal", fmt.Sprintf("there is no journal %q", rest[0]))
	}
	if wrong := job.wrong(f.FlagSet, rest); wrong != "" {
		return misused(std, "journal", wrong)
	}
	if o.limit < 0 || o.olderThan < 0 {
		return misused(std, "journal", "--limit and --older-than must not be negative")
	}
	if job.arguments > 0 {
		o.visit = rest[1]
	}
	settings, err := f.load()
	if settings.StateDir == "" {
		return trouble(std, err) // otherwise the record can be read however wrong the rest is
	}
	o.settings = settings
	if err := job.run(std, o); err != nil {
		return trouble(std, err)
	}
	return exitWell
}

// wrong says what of the command line does not fit; empty if all does.
func (j journalJob) wrong(f *flag.FlagSet, rest []string) string {
	if len(rest)-1 < j.arguments {
		return "an argument is missing"
	}
	if len(rest)-1 > j.arguments {
		return "too many arguments"
	}
	fits := map[string]bool{"json": true, "env-file": true}
	for _, name := range j.flags {
		fits[name] = true
	}
	odd := ""
	f.Visit(func(g *flag.Flag) {
		if !fits[g.Name] {
			odd = fmt.Sprintf("--%s is not for journal %s", g.Name, rest[0])
		}
	})
	return odd
}

func (j journalJob) run(std streams, o journalOptions) error {
	var st *store.Store
	var err error
	if j.write != nil {
		// Only to see whether there are visits on record: a snapshot would be sent for nothing.
		st, err = app.OpenStore(o.settings, "kiosk journal", true)
		if errors.Is(err, store.ErrLocked) {
			return j.write(std, o.settings, o)
		}
	} else {
		st, err = app.ReadStore(o.settings, "kiosk journal", "")
	}
	if errors.Is(err, store.ErrAbsent) {
		if j.arguments > 0 {
			return kiosk.Fail(kiosk.Internal, "", fmt.Errorf("journal: %w", store.ErrNoVisit))
		}
		return nil // nothing has happened on this device yet
	}
	if err != nil {
		return err
	}
	defer st.Close()
	if j.write != nil {
		st.Close()
		return j.write(std, o.settings, o)
	}
	return j.do(std, st, o)
}

func journalList(std streams, st *store.Store, o journalOptions) error {
	t := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	e := json.NewEncoder(std.out)
	n := 0
	for v, err := range st.Visits() {
		if err != nil {
			return err
		}
		if n++; o.limit > 0 && n > o.limit {
			break
		}
		began := v.Began.Local().Format(time.DateTime)
		switch {
		case o.json:
			err = e.Encode(v)
		case v.Note != "":
			_, err = fmt.Fprintf(t, "%s\t%s\n", began, v.Note)
		default:
			_, err = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", began, v.Visit, outcome(v), orDash(v.Code), v.Person)
		}
		if err != nil {
			return fmt.Errorf("output: %w", err)
		}
	}
	return t.Flush()
}

func journalShow(std streams, st *store.Store, o journalOptions) error {
	v, err := st.Show(o.visit)
	if err != nil {
		return kiosk.Fail(kiosk.Internal, "", err)
	}
	if o.json {
		return json.NewEncoder(std.out).Encode(v)
	}
	t := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "visit\t%s, number %d\nperson\t%s\ncode\t%s\noutcome\t%s\n", v.Visit, v.Number, v.Person, orDash(v.Code), outcome(v))
	for _, s := range v.Steps {
		fmt.Fprintf(t, "%s\t%s", s.Time.Local().Format(time.DateTime), s.Stage)
		if s.Reason != kiosk.NoReason {
			fmt.Fprintf(t, ": %s", s.Reason)
		}
		if s.Expires > 0 {
			fmt.Fprintf(t, ", for %v, every %v", s.Expires, s.Interval)
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

func journalVerify(std streams, st *store.Store, o journalOptions) error {
	r, err := st.Verify()
	if err != nil {
		return err
	}
	if o.json {
		err = json.NewEncoder(std.out).Encode(struct {
			Whole bool `json:"whole"`
			store.Report
		}{r.Intact(), r})
	} else {
		_, err = fmt.Fprintf(std.out, "%d records of %d visits, %d notes; %d records before them were pruned\nhead %s\n",
			r.Records, r.Visits, r.Notes, r.Pruned, r.Head)
		if r.Unverifiable > 0 {
			fmt.Fprintf(std.out, "%d records could not be checked: their key is not in the key file any more\n", r.Unverifiable)
		}
	}
	if err != nil || r.Intact() {
		return err
	}
	var wrong []error
	for _, p := range r.Problems {
		wrong = append(wrong, errors.New("journal: "+p))
	}
	return errors.Join(wrong...)
}

func journalPrune(std streams, s *config.Settings, o journalOptions) error {
	gone, err := pruned(s, cmp.Or(o.olderThan, s.Retention))
	if err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(std.out).Encode(gone)
	}
	_, err = fmt.Fprintf(std.out, "%d visits were taken off record\n", gone.Visits)
	return err
}

// pruneLimit is more than a hundred thousand visits take on a slow card.
const pruneLimit = 100 * time.Second

// pruned takes old visits off record, or asks the kiosk that has the record to.
func pruned(s *config.Settings, age time.Duration) (p control.Pruned, err error) {
	st, err := app.OpenStore(s, "kiosk journal", false)
	if errors.Is(err, store.ErrLocked) {
		ctx, cancel := context.WithTimeout(context.Background(), pruneLimit)
		defer cancel()
		asked := askAt(ctx, s, control.Request{Do: "prune", Age: age.String()}, &p)
		if errors.Is(asked, control.ErrNotRunning) {
			return p, err // a visit without a screen has it, for as long as that takes
		}
		return p, asked
	}
	if err != nil {
		return p, err
	}
	defer st.Close()
	p.Visits, err = app.PruneStore(st, age)
	return p, err
}

func outcome(v store.Visit) string {
	if v.Technician && v.Stage == kiosk.StageShown {
		return "technician" // there was a menu, and no result
	}
	if r := v.Reason.String(); r != "" {
		return v.Stage.String() + ": " + r
	}
	return v.Stage.String()
}
