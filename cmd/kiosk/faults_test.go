package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
)

// How a visit with a faulty server ends.
var (
	// No phone has rung.
	notReached   = ending{code: 13, reason: "unreachable"}
	notTrusted   = ending{code: 15, reason: "untrusted"}
	notSetUp     = ending{code: 3, reason: "misconfigured"}
	unreachable  = ending{code: 13, reason: "unreachable", pushes: 1}
	unreadable   = ending{code: 15, reason: "untrusted", pushes: 1} // no tokens could be read
	refused      = ending{code: 14, reason: "refused", pushes: 1}
	declined     = ending{code: 10, reason: "declined", pushes: 1}
	expired      = ending{code: 11, reason: "expired", pushes: 1}
	wrongPerson  = ending{code: 16, reason: "wrong_person", pushes: 1, revoked: true}
	noAccess     = ending{code: 17, reason: "no_access", pushes: 1, revoked: true}
	noAccessThen = ending{code: 17, reason: "no_access", pushes: 1, api: 1, revoked: true}
	serviceDown  = ending{code: 18, reason: "service_down", pushes: 1, api: 1, revoked: true}
)

// faultEndings says how a visit with one kind of fault ends, by the place of the fault. If the fault replaces a good
// response, the phone has rung, or the tokens were issued.
type faultEndings struct {
	discovery, jwks, bc, token, api ending
	value                           string // the fault's
}

// faultsOfEveryPlace are the kinds that any place can serve.
var faultsOfEveryPlace = map[string]faultEndings{
	"status":             {notReached, notReached, unreachable, unreachable, serviceDown, ""},
	"slow":               {shown, shown, shown, shown, shown, "0.1"},
	"drop":               {notReached, notReached, unreachable, unreachable, serviceDown, ""},
	"hang":               {notReached, notReached, unreachable, unreachable, serviceDown, ""},
	"truncate":           {notReached, notReached, unreachable, unreachable, serviceDown, ""},
	"garbage":            {notReached, notTrusted, unreadable, unreachable, serviceDown, ""},
	"not_json":           {notReached, notTrusted, unreadable, unreachable, serviceDown, ""},
	"redirect":           {notReached, notReached, unreachable, unreachable, serviceDown, `"/elsewhere"`},
	"retry_after":        {notReached, notReached, unreachable, unreachable, serviceDown, "1"},
	"error":              {notSetUp, notReached, refused, declined, serviceDown, `"access_denied"`},
	"server_error":       {notReached, notReached, unreachable, unreachable, serviceDown, ""},
	"endless":            {notReached, notReached, unreadable, unreachable, serviceDown, ""},
	"drip":               {notReached, notReached, unreachable, unreachable, serviceDown, ""},
	"endless_headers":    {notReached, notReached, unreachable, unreachable, serviceDown, ""},
	"informational":      {notReached, notReached, unreachable, unreachable, serviceDown, ""},
	"reset":              {notReached, notReached, unreachable, unreachable, serviceDown, "50"},
	"not_http":           {notReached, notReached, unreachable, unreachable, serviceDown, ""},
	"bad_chunks":         {notReached, notReached, unreachable, unreachable, serviceDown, ""},
	"gzip":               {notReached, notTrusted, unreadable, unreachable, serviceDown, ""},
	"wrong_type":         {shown, shown, shown, shown, shown, ""},
	"date":               {shown, shown, shown, shown, shown, ""}, // not over TLS, so it is not trusted
	"empty":              {notReached, notTrusted, unreadable, unreachable, serviceDown, ""},
	"null":               {notReached, notTrusted, unreadable, unreadable, serviceDown, ""},
	"list":               {notReached, notTrusted, unreadable, unreadable, serviceDown, ""},
	"trailing":           {notReached, notTrusted, unreadable, unreachable, serviceDown, ""},
	"bad_utf8":           {notReached, notTrusted, unreadable, unreadable, shown, ""},
	"huge":               {notReached, notReached, unreadable, unreachable, serviceDown, ""},
	"set":                {shown, shown, shown, shown, shown, `{"error_description":"\u001b[2Jzebra-crossing"}`},
	"duplicate_member":   {notReached, notTrusted, unreadable, unreadable, serviceDown, ""},
	"case_folded_member": {shown, shown, shown, shown, shown, ""},
	"extra_member":       {shown, shown, shown, shown, shown, ""},
	"deep_nesting":       {notReached, notTrusted, unreadable, unreachable, serviceDown, ""},
}

// faultsOfOnePlace are the kinds of a single place.
var faultsOfOnePlace = map[string]ending{
	// They do not matter without DPoP, signed requests and authorization details.
	"token dpop_nonce": {code: 3, reason: "misconfigured", pushes: 1}, "api dpop_nonce": noAccess,
	"token no_binding": shown, "token more_details": untrusted, "token fewer_details": shown,
	"discovery other_id_token_algs": untrusted, "discovery no_signed_requests": shown, "discovery other_signed_requests": shown, "discovery other_dpop": shown, "discovery no_mtls_aliases": shown,
	"api unauthorized": noAccessThen, "api forbidden": noAccessThen, "api control_characters": shown,
	"token slow_down": shown, "token long_poll": shown,
	"bc no_expires": unreadable, "bc expires_string": unreadable, "bc expires_huge": unreadable, "bc no_auth_req_id": unreadable,
	"bc no_interval": shown, "bc interval_zero": shown, "bc interval_huge": expired, "bc interval_string": shown, "bc interval_float": shown,
	"jwks unknown_key_types": shown, "jwks many_keys": notTrusted, "jwks rotate": shown,
	"discovery wrong_issuer": notSetUp, "discovery http_endpoint": notSetUp, "discovery no_backchannel_endpoint": notSetUp,
	"token no_id_token": untrusted, "token no_token_type": untrusted, "token wrong_token_type": untrusted,
	"token bad_signature": untrusted, "token wrong_issuer": untrusted, "token wrong_audience": untrusted, "token extra_audience": untrusted,
	"token wrong_azp": untrusted, "token expired": untrusted, "token no_exp": untrusted, "token no_iat": untrusted, "token old_iat": untrusted,
	"token future_iat": untrusted, "token alg_none": untrusted, "token hs256_with_public_key": untrusted, "token no_sub": untrusted,
	"token wrong_at_hash": untrusted, "token no_at_hash": shown, "token wrong_auth_req_id": untrusted, "token unknown_kid": untrusted,
	"token unpublished_key": untrusted, "token crit_header": untrusted, "token wrong_acr": shown, "token no_acr": shown, // none was asked for
	"token control_characters": shown, "token claims": shown, "token wrong_person": wrongPerson, "token scope_reduced": noAccess,
}

// faultValues are the arguments that a kind needs.
var faultValues = map[string]string{
	"claims": `{"name":"\u001b[2JAlice\u202e"}`,
}

// slowFaultPlaces limits kinds that last until a time limit of up to 45 seconds to one place for each limit.
var slowFaultPlaces = map[string][]string{
	"hang": {"discovery", "bc", "token"}, "drip": {"jwks", "api"},
}

// testedElsewhere are kinds of other parts of the client, which have tests of their own.
var testedElsewhere = map[string]string{
	"bc user_code": "TestUserCode",
}

// TestVisitEndsRightWithEveryServerFault plays a visit with each fault of the development server at each place that a
// visit reaches. A fault that is missing in the tables above fails the test.
func TestVisitEndsRightWithEveryServerFault(t *testing.T) {
	t.Parallel()
	kind := regexp.MustCompile(`^(\w+) \(([^)]*)\): .`)
	for _, k := range faults.Kinds() {
		m := kind.FindStringSubmatch(k)
		if m == nil {
			t.Fatalf("GET /dev/kinds says %q", k)
		}
		name, places := m[1], strings.Fields(m[2])
		if m[2] == "everywhere" {
			places = []string{"discovery", "jwks", "bc", "token", "api"}
		}
		for _, place := range places {
			key := place + " " + name
			want, known := faultsOfOnePlace[key]
			if general, there := faultsOfEveryPlace[name]; !known && there && m[2] == "everywhere" {
				known = true
				want = map[string]ending{"discovery": general.discovery, "jwks": general.jwks, "bc": general.bc, "token": general.token, "api": general.api}[place]
			}
			if only := slowFaultPlaces[name]; only != nil && !slices.Contains(only, place) || testedElsewhere[key] != "" || !visitPlaces[place] {
				continue
			}
			if !known {
				t.Errorf("%s: the tables have no expected ending", key)
				continue
			}
			t.Run(key, func(t *testing.T) {
				t.Parallel()
				playFault(t, place, name, m[2] == "everywhere", want)
			})
		}
	}
}

// visitPlaces are the places that every visit reaches. UserInfo, device flow and registration have tests of their own.
var visitPlaces = map[string]bool{"discovery": true, "jwks": true, "bc": true, "token": true, "api": true}

func playFault(t *testing.T, place, name string, general bool, want ending) {
	f := faults.Fault{At: place, Kind: name}
	value := faultValues[name]
	if general {
		f.On, value = "success", faultsOfEveryPlace[name].value
	}
	if value != "" {
		f.Value = json.RawMessage(value)
	}
	var settings []string
	switch place + " " + name {
	case "token hang":
		f.On = "" // from the first poll on
		settings = append(settings, "KIOSK_REQUESTED_EXPIRY=3")
	case "bc interval_huge":
		settings = append(settings, "KIOSK_REQUESTED_EXPIRY=3")
	case "token slow_down":
		f.Times = 1
	}
	r := newRig(t, settings...)
	r.auto("approve", 0, "")
	if name == "slow_down" || name == "long_poll" {
		r.auto("approve", 1500*time.Millisecond, "")
	}
	r.faults(f)
	c := r.start("login", "--json", "alice")
	most := c.peak()
	r.checkOutcome(t, c, want)
	if mib := most() >> 20; mib >= 96 {
		t.Errorf("it took %d MiB", mib)
	}
	for _, said := range []string{c.out.text(), c.err.text()} {
		// The customer sees the API's members.
		if place != "api" && strings.Contains(said, "zebra-crossing") || strings.ContainsAny(said, "\x1b\u202e\u009b") {
			t.Errorf("the server's words are in the output:\n%q", said)
		}
	}
	// A document is fetched once; keys are fetched again if one is missing, and discovery at the second
	// address only after status 404 at the first.
	if d, k := r.count("discovery"), r.count("jwks"); d > 2 || k > 2 {
		t.Errorf("the metadata was fetched %d times, the keys %d times", d, k)
	}
}

// peak watches the memory of a child and returns the maximum.
func (c *child) peak() func() int {
	seen := make(chan int, 1)
	go func() {
		most := 0
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
			if _, rest, ok := strings.Cut(string(status), "VmHWM:"); ok {
				kib, _ := strconv.Atoi(strings.Fields(rest)[0])
				most = max(most, kib<<10)
			}
			select {
			case <-c.done:
				seen <- most
				return
			case <-tick.C:
			}
		}
	}()
	return func() int { return <-seen }
}

// TestConnectionResetAtAnyByte cuts acknowledgement and token response off after every few bytes. The phone rings once,
// and no partial response is used.
func TestConnectionResetAtAnyByte(t *testing.T) {
	t.Parallel()
	for _, place := range []string{"bc", "token"} {
		for _, n := range []int{1, 8, 17, 60, 90, 118, 140, 1000} {
			t.Run(fmt.Sprint(place, " ", n), func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				r.auto("approve", 0, "")
				r.faults(faults.Fault{At: place, Kind: "reset", On: "success", Value: json.RawMessage(strconv.Itoa(n))})
				c := r.start("login", "--json", "alice")
				if n == 1000 { // all of it was there
					if code := c.wait(); code != 0 {
						t.Errorf("exit code %d: %s", code, c.err.text())
					}
					r.checkRequests(t)
					return
				}
				r.checkOutcome(t, c, unreachable)
			})
		}
	}
}
