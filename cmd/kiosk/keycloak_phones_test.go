//go:build keycloak

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// phones stands for the service that reaches people's phones: Keycloak sends each authentication request there and
// expects the decision at an address of its own. It also serves the API that the kiosk calls after an approval.
type phones struct {
	url string

	mu      sync.Mutex
	changed chan struct{}
	asked   map[string]*phoneRequest // by issuer and login hint; the newest counts
	rings   map[string]int
	without map[string]bool // people without a phone
}

// phoneRequest is what Keycloak sent for one person.
type phoneRequest struct {
	issuer, bearer string
	received       time.Time
	Hint           string `json:"login_hint"`
	Scope          string `json:"scope"`
	Message        string `json:"binding_message"`
}

var sharedPhones = sync.OnceValues(func() (*phones, error) {
	l, err := net.Listen("tcp", os.Getenv("KEYCLOAK_PHONES"))
	if err != nil {
		return nil, err
	}
	p := &phones{url: "http://" + l.Addr().String(), changed: make(chan struct{}), asked: map[string]*phoneRequest{}, rings: map[string]int{}, without: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /delegate", p.delegate)
	mux.HandleFunc("GET /api/customer", p.customer)
	go func() { _ = http.Serve(l, mux) }()
	return p, nil
})

// delegate takes a request for a person. Only the answer 201 makes Keycloak keep it.
func (p *phones) delegate(w http.ResponseWriter, q *http.Request) {
	bearer := strings.TrimPrefix(q.Header.Get("Authorization"), "Bearer ")
	token, err := jwt.ParseSigned(bearer, []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.HS256, jose.HS512})
	var claims jwt.Claims
	if err == nil {
		err = token.UnsafeClaimsWithoutVerification(&claims)
	}
	r := phoneRequest{issuer: claims.Issuer, bearer: bearer, received: time.Now()}
	if err == nil {
		err = json.NewDecoder(q.Body).Decode(&r)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	name := r.issuer + " " + r.Hint
	if p.without[name] {
		http.Error(w, "no phone", http.StatusNotFound)
		return
	}
	p.asked[name] = &r
	p.rings[name]++
	close(p.changed)
	p.changed = make(chan struct{})
	w.WriteHeader(http.StatusCreated)
}

// customer is the protected API: it takes access tokens of any realm for its audience and scope.
func (p *phones) customer(w http.ResponseWriter, q *http.Request) {
	name, status, err := readKeycloakToken(strings.TrimPrefix(q.Header.Get("Authorization"), "Bearer "))
	if err != nil {
		http.Error(w, err.Error(), status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"title":"Welcome, %s","customer_number":"C-1001"}`, name)
}

// readKeycloakToken verifies an access token and returns whose it is.
func readKeycloakToken(text string) (name string, status int, err error) {
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return "", http.StatusUnauthorized, err
	}
	var claims struct {
		jwt.Claims
		Scope string `json:"scope"`
		Name  string `json:"preferred_username"`
	}
	if err := token.UnsafeClaimsWithoutVerification(&claims); err != nil {
		return "", http.StatusUnauthorized, err
	}
	k, err := newKeycloak(claims.Issuer[strings.LastIndex(claims.Issuer, "/")+1:])
	if err != nil || k.issuer() != claims.Issuer {
		return "", http.StatusUnauthorized, fmt.Errorf("issuer: %v", err)
	}
	resp, err := k.client.Get(claims.Issuer + "/protocol/openid-connect/certs")
	if err != nil {
		return "", http.StatusServiceUnavailable, err
	}
	defer resp.Body.Close()
	var keys jose.JSONWebKeySet
	if err := json.NewDecoder(resp.Body).Decode(&keys); err != nil {
		return "", http.StatusServiceUnavailable, err
	}
	if err := token.Claims(&keys, &claims); err != nil {
		return "", http.StatusUnauthorized, err
	}
	if err := claims.Validate(jwt.Expected{AnyAudience: jwt.Audience{keycloakAPIAudience}, Time: time.Now()}); err != nil {
		return "", http.StatusUnauthorized, err
	}
	if !strings.Contains(" "+claims.Scope+" ", " "+keycloakAPIScope+" ") {
		return "", http.StatusForbidden, errors.New("insufficient scope")
	}
	return claims.Name, http.StatusOK, nil
}

// answers are the decisions that Keycloak takes.
const (
	keycloakApprove = "SUCCEED"
	keycloakDecline = "UNAUTHORIZED"
)

// wait returns the request that reached a person's phone.
func (k *keycloak) wait(t *testing.T, who string) phoneRequest {
	t.Helper()
	p, end := k.phones, time.After(limit)
	for {
		p.mu.Lock()
		r, changed := p.asked[k.issuer()+" "+who], p.changed
		p.mu.Unlock()
		if r != nil {
			return *r
		}
		select {
		case <-changed:
		case <-end:
			t.Fatalf("the phone of %s does not ring", who)
		}
	}
}

// answer has a person decide, once the phone rings.
func (k *keycloak) answer(t *testing.T, who, decision string) phoneRequest {
	t.Helper()
	r := k.wait(t, who)
	// Keycloak stores the request only after it has read the answer 201.
	time.Sleep(time.Until(r.received.Add(300 * time.Millisecond)))
	q, err := http.NewRequest(http.MethodPost, k.issuer()+"/protocol/openid-connect/ext/ciba/auth/callback", strings.NewReader(`{"status":"`+decision+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+r.bearer)
	q.Header.Set("Content-Type", "application/json")
	resp, err := k.client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the server does not take the decision of %s: %s", who, resp.Status)
	}
	k.phones.mu.Lock()
	delete(k.phones.asked, k.issuer()+" "+who)
	k.phones.mu.Unlock()
	return r
}

// rang returns how often the phone of a person has rung.
func (k *keycloak) rang(who string) int {
	k.phones.mu.Lock()
	defer k.phones.mu.Unlock()
	return k.phones.rings[k.issuer()+" "+who]
}

// takePhone leaves a person without a phone.
func (k *keycloak) takePhone(who string) {
	k.phones.mu.Lock()
	defer k.phones.mu.Unlock()
	k.phones.without[k.issuer()+" "+who] = true
}
