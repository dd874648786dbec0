package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
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
	about: "lists, shows, verifies, exports and prunes the visits on record",
	usage: `Usage: kiosk journal list [--json] [--limit N]
       kiosk journal show VISIT [--json]
       kiosk journal verify [--json]
       kiosk journal export [--json] [--key-file FILE]
       kiosk journal prune [--json] [--older-than DURATION]

list    the visits on record, newest first: time, outcome, and a mark that is
        the same for the same person and identifies nobody
show    one visit, step by step
verify  checks the chain of all records and reports what was changed, removed or
        added; exit code 1 if anything was. Keep the head that it prints to
        find out later whether an old copy was put back
export  all visits, oldest first, as a table; nothing personal without the key
prune   removes visits older than KIOSK_RETENTION; a running kiosk does so once
        a day

All work while a kiosk is running. All but prune change nothing.

    --json           one JSON object a line
    --limit N        at most N visits (50); 0 is all
    --key-file FILE  the store key: export then contains each person's whole
                     mark, and the identifier of a visit in progress
    --older-than D   another age than KIOSK_RETENTION, such as 720h
    --env-file FILE  file of settings (` + envFile + `)

Example: sudo kiosk journal list --limit 10
`,
}

func init() { journalVerb.run = runJournal }

// journalCommand is one of the commands after "journal".
type journalCommand struct {
	arguments int                                                           // number of further arguments
	flags     []string                                                      // its own flags, besides --json and --env-file
	read      func(std streams, st *store.Store, o journalOptions) error    // for commands that read
	write     func(std streams, s *config.Settings, o journalOptions) error // for commands that open the store themselves
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

func journalCommands() map[string]journalCommand {
	return map[string]journalCommand{
		"list":   {flags: []string{"limit"}, read: journalList},
		"show":   {arguments: 1, read: journalShow},
		"verify": {read: journalVerify},
		"export": {flags: []string{"key-file"}, read: journalExport},
		"prune":  {flags: []string{"older-than"}, write: journalPrune},
	}
}

func runJournal(_ context.Context, args []string, std streams) int {
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
	job, known := journalCommands()[rest[0]]
	if !known {
		return unknownWord(std, "journal", "command journal", rest[0], slices.Collect(maps.Keys(journalCommands()))...)
	}
	if wrong := job.usageProblem(f.FlagSet, rest); wrong != "" {
		return usageError(std, "journal", wrong)
	}
	if o.limit < 0 || o.olderThan < 0 {
		return usageError(std, "journal", "--limit and --older-than must not be negative")
	}
	if job.arguments > 0 {
		o.visit = rest[1]
	}
	settings, err := f.load()
	if settings.StateDir == "" || isHiddenStateDir(settings, err) {
		return fail(std, withRecordCure(err)) // otherwise the record is readable, whatever else is wrong
	}
	o.settings = settings
	if err := job.run(std, o); err != nil {
		return fail(std, withRecordCure(err))
	}
	return exitOK
}

// isHiddenStateDir reports whether this user may not read the settings, which may name another state directory.
func isHiddenStateDir(s *config.Settings, err error) bool {
	return errors.Is(err, fs.ErrPermission) && slices.ContainsFunc(s.Rows(), func(r config.Row) bool {
		return r.Name == "KIOSK_STATE_DIR" && r.Origin == "derived"
	})
}

// withRecordCure adds what to do to the error of a user who may not read the record.
func withRecordCure(err error) error {
	if os.Geteuid() != 0 && (errors.Is(err, fs.ErrPermission) || errors.Is(err, store.ErrNotOurs)) {
		return fmt.Errorf("%w\nonly root and the kiosk's user may read the record: sudo kiosk journal list", err)
	}
	return err
}

// usageProblem returns what is wrong with the arguments, or nothing.
func (j journalCommand) usageProblem(f *flag.FlagSet, rest []string) string {
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
			odd = fmt.Sprintf("journal %[2]s has no flag --%[1]s", g.Name, rest[0])
		}
	})
	return odd
}

func (j journalCommand) run(std streams, o journalOptions) error {
	var st *store.Store
	var err error
	if j.write != nil {
		// Only checks whether there are visits on record: no snapshot is needed.
		st, err = app.OpenStore(o.settings, "kiosk journal", true)
		if !errors.Is(err, store.ErrAbsent) {
			if err == nil {
				st.Close()
			}
			return j.write(std, o.settings, o)
		}
	} else {
		st, err = app.ReadStore(o.settings, "kiosk journal", "")
	}
	if errors.Is(err, store.ErrAbsent) {
		if j.arguments > 0 {
			return kiosk.Fail(kiosk.Internal, "", fmt.Errorf("journal: %w", store.ErrNoVisit))
		}
		return nil // there is no record yet
	}
	if err != nil {
		return err
	}
	defer st.Close()
	return j.read(std, st, o)
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
		began := v.Began.Local().Format("2006-01-02 15:04") // with seconds a line would be longer than 80 columns
		if n == 1 && !o.json {
			fmt.Fprintln(t, "TIME\tVISIT\tOUTCOME\tCODE\tPERSON") // a failed write shows at the next
		}
		switch {
		case o.json:
			err = e.Encode(v)
		case v.Note != "":
			_, err = fmt.Fprintf(t, "%s\t%s\n", began, v.Note)
		default:
			_, err = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", began, v.Visit, shortOutcome(v), orDash(v.Code), v.Person)
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
		_, err = fmt.Fprintf(std.out, "%d records of %d visits, %d notes; %d older records pruned\nhead %s\n",
			r.Records, r.Visits, r.Notes, r.Pruned, r.Head)
		if r.Unverifiable > 0 {
			fmt.Fprintf(std.out, "%d records could not be checked: their key is not in the key file\n", r.Unverifiable)
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
	gone, err := pruneVisits(s, cmp.Or(o.olderThan, s.Retention))
	if err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(std.out).Encode(gone)
	}
	_, err = fmt.Fprintf(std.out, "%d visits removed\n", gone.Visits)
	return err
}

// pruneTimeout is more than a hundred thousand visits take on a slow card.
const pruneTimeout = 100 * time.Second

// pruneVisits asks the running kiosk to remove old visits, or removes them if none is running.
func pruneVisits(s *config.Settings, age time.Duration) (p control.Pruned, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), pruneTimeout)
	defer cancel()
	err = askSockets(ctx, s, control.Request{Do: "prune", Age: age.String()}, &p)
	refused := (*control.Refused)(nil) // by a device that is being set up, which does not have the database open
	if !errors.Is(err, control.ErrNotRunning) && !errors.As(err, &refused) {
		return p, err
	}
	p.Visits, err = app.PruneAsService(s, "kiosk journal", age)
	if refused != nil && errors.Is(err, store.ErrLocked) {
		err = refused
	}
	return p, err
}

// shortOutcome returns how a visit ended in at most 15 characters: journal show says the stage, too.
func shortOutcome(v store.Visit) string {
	if v.Stage == kiosk.StageEnded && v.Reason != kiosk.NoReason {
		return v.Reason.String()
	}
	if v.Stage == kiosk.StageAbandoned {
		return v.Stage.String()
	}
	return outcome(v)
}

func outcome(v store.Visit) string {
	if v.Technician && v.Stage == kiosk.StageShown {
		return "technician" // the menu was open
	}
	if r := v.Reason.String(); r != "" {
		return v.Stage.String() + ": " + r
	}
	return v.Stage.String()
}
