// Package status defines what a running kiosk reports about itself over the control socket, and its presentation as
// lines. Nothing in it identifies a customer.
package status

import (
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/health"
	"github.com/ciba-kiosk/ciba-kiosk/internal/journal"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Availability is whether the kiosk serves the next customer.
type Availability string

// The availabilities.
const (
	Serving      Availability = "serving"        // ready for the next customer
	InVisit      Availability = "visit"          // a visit is in progress
	OutOfService Availability = "out_of_service" // closed, for the reasons in Status.Why
)

// Of returns the availability of a kiosk in phase p with closures c. A technician in the menu of a closed kiosk is not a
// customer.
func Of(p kiosk.Phase, c kiosk.Closures) Availability {
	switch {
	case p == kiosk.Closed, p == kiosk.Menu && c != 0:
		return OutOfService
	case p != kiosk.Ready:
		return InVisit
	}
	return Serving
}

// Sentence returns the availability in words for the service manager.
func (a Availability) Sentence() string {
	switch a {
	case InVisit:
		return "visit in progress"
	case OutOfService:
		return "out of service"
	}
	return "ready for the next customer"
}

// Status is the answer to the status request.
type Status struct {
	State    Availability      `json:"state"`
	Why      []string          `json:"why,omitempty"` // the closures, while out of service
	Phase    string            `json:"phase"`
	Mode     string            `json:"mode"` // screen or headless
	Site     string            `json:"site"`
	Version  string            `json:"version"`
	PID      int               `json:"pid"`
	Uptime   int               `json:"uptime"` // seconds since the process started
	Service  Outage            `json:"service"`
	SetUp    *Setup            `json:"set_up,omitempty"`   // the device has no registration yet; only the members above are valid then
	Opens    *time.Time        `json:"opens,omitempty"`    // outside opening hours: when they begin
	Settings string            `json:"settings,omitempty"` // why the last reload was rejected; the previous settings are in use
	Line     int               `json:"line,omitempty"`     // headless: visits waiting for their turn
	Visits   Figures           `json:"visits"`
	Health   []health.Item     `json:"health"`
	Record   journal.Condition `json:"record"` // state of the record of visits, and the guarantees it suspends
}

// Outage is an operator's order to be out of service.
type Outage struct {
	Off   bool       `json:"off"`
	Text  string     `json:"text,omitempty"`  // shown to customers
	Until *time.Time `json:"until,omitempty"` // when it ends by itself
}

// Setup is the progress of a device towards its registration. The members are those of kiosk provision --json.
type Setup struct {
	Stage string `json:"stage"` // begins, sign_in, registers or stuck

	// With sign_in: what the screen shows the technician. The code alone grants no access: the
	// technician who signs in with it admits this device.
	Address  string `json:"verification_uri,omitempty"`
	Complete string `json:"verification_uri_complete,omitempty"`
	Code     string `json:"user_code,omitempty"`
	Left     int    `json:"expires_in,omitempty"` // seconds

	// With stuck.
	Reason string `json:"reason,omitempty"`
	Cause  string `json:"cause,omitempty"`    // for an operator
	Again  int    `json:"again_in,omitempty"` // seconds until the next attempt
}

// Figures are the visits since the process started.
type Figures struct {
	Shown int            `json:"shown"` // results delivered
	Ended map[string]int `json:"ended"` // visits that ended without a result, by reason

	// Waits are the times that customers waited for their phones, in seconds.
	Waits      int     `json:"waits"`
	WaitSum    float64 `json:"wait_seconds_sum"`
	MedianWait float64 `json:"median_wait_seconds"` // of the most recent waits

	Buckets [len(WaitBounds)]int `json:"-"` // number of waits no longer than each bound
}

// WaitBounds are histogram bounds in seconds: phone in the hand, phone in a pocket, phone to be searched for, and the
// usual expiry of a request.
var WaitBounds = [...]float64{5, 10, 20, 30, 60, 120}

// ClosureNames returns the names of the closures in c for scripts.
func ClosureNames(c kiosk.Closures) (names []string) {
	for _, known := range closureNames {
		if c&known.closure != 0 {
			names = append(names, known.name)
		}
	}
	return names
}

var closureNames = []struct {
	closure kiosk.Closures
	name    string
}{
	{kiosk.Maintenance, "maintenance"}, {kiosk.OutsideHours, "hours"}, {kiosk.SettingsBad, "settings"},
	{kiosk.StoreDown, "store"}, {kiosk.ClockWrong, "clock"}, {kiosk.Starting, "starting"},
}

// UnreachableClosure is the name in Status.Why, in place of "starting", once an attempt to reach the authorization server has
// failed. Status.Health has the cause.
const UnreachableClosure = "unreachable"

// SetupClosure is the only name in Status.Why while the device is being set up.
const SetupClosure = "set_up"
