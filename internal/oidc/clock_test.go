package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// device is a wall clock and an uptime that the test sets apart.
type device struct {
	clock
	up atomic.Int64 // connections ask for it, too
}

// pass lets time go by; jump sets the wall clock.
func (d *device) pass(t time.Duration) { d.add(t); d.up.Add(int64(t)) }
func (d *device) jump(t time.Duration) { d.add(t) }

// dated is a server with a certificate of its own, good from an hour before noon to
// a week after it, that says what time it is.
type dated struct {
	*httptest.Server
	roots *x509.CertPool
	date  string // of the next answers
	spend func() // what an answer takes
}

func newDated(t *testing.T) *dated {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "op"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(7 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der := must(x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key))
	s := &dated{roots: x509.NewCertPool(), spend: func() {}}
	s.roots.AddCert(must(x509.ParseCertificate(der)))
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.spend()
		w.Header()["Date"] = nil
		if s.date != "" {
			w.Header().Set("Date", s.date)
		}
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *dated) says(at time.Time) { s.date = at.UTC().Format(http.TimeFormat) }

// asked makes one request as a device would.
func (s *dated) asked(t *testing.T, c *Clock, address string) error {
	t.Helper()
	transport := NewTransport(TransportOptions{Roots: s.roots, Clock: c})
	defer transport.CloseIdleConnections()
	_, err := transport.Send(post(t, address), MaxResponse)
	return err
}

func newDevice(issuer string, ahead time.Duration) (*device, *Clock) {
	d := &device{clock: clock{t: noon.Add(ahead)}}
	d.up.Store(int64(time.Hour))
	return d, NewClock(ClockOptions{
		Issuer: issuer, Wall: d.now, Uptime: func() time.Duration { return time.Duration(d.up.Load()) }, Earliest: noon.Add(-30 * 24 * time.Hour),
	})
}

func near(t *testing.T, what string, got, want time.Time) {
	t.Helper()
	if off := got.Sub(want); off < -2*time.Second || off > 2*time.Second {
		t.Errorf("%s: %v, off by %v", what, got, off)
	}
}

// TestTheTimeIsLearntFromTheServer: and from then on the wall clock may jump as it likes.
func TestClockLearnsFromDateHeader(t *testing.T) {
	s := newDated(t)
	d, c := newDevice(s.URL, 20*time.Minute) // the device is ahead
	s.says(noon)
	if c.Offset() != 0 || !c.Now().Equal(d.now()) {
		t.Error("something was known before anybody was asked")
	}
	if err := s.asked(t, c, s.URL); err != nil {
		t.Fatal(err)
	}
	near(t, "learnt", c.Now(), noon)
	near(t, "the wall clock put right", d.now().Add(c.Offset()), noon)
	if c.Corrections() != 1 {
		t.Errorf("%d corrections", c.Corrections())
	}
	d.pass(90 * time.Second)
	near(t, "later", c.Now(), noon.Add(90*time.Second))
	for _, jump := range []time.Duration{-400 * 24 * time.Hour, 4000 * 24 * time.Hour} {
		d.jump(jump)
		near(t, "after a jump of the wall clock", c.Now(), noon.Add(90*time.Second))
	}
	s.says(noon.Add(90 * time.Second))
	if err := s.asked(t, c, s.URL); err == nil {
		t.Error("a certificate that the wall clock calls expired was believed")
	}
	d.jump(-3600 * 24 * time.Hour)
	if err := s.asked(t, c, s.URL); err != nil || c.Corrections() != 1 {
		t.Errorf("nothing new, and %d corrections: %v", c.Corrections(), err)
	}
}

// TestARightClockIsLeftAlone: what the header says is only as fine as a second.
func TestRightWallClockIsKept(t *testing.T) {
	s := newDated(t)
	d, c := newDevice(s.URL, 900*time.Millisecond)
	s.says(noon)
	if err := s.asked(t, c, s.URL); err != nil || !c.Now().Equal(d.now()) || c.Corrections() != 0 {
		t.Errorf("%v instead of %v: %v", c.Now(), d.now(), err)
	}
	// Where a time service keeps the clock, nobody else is asked.
	c.synchronised = func() bool { return true }
	s.says(noon.Add(time.Hour))
	if err := s.asked(t, c, s.URL); err != nil || !c.Now().Equal(d.now()) || c.Corrections() != 0 {
		t.Errorf("%v instead of %v: %v", c.Now(), d.now(), err)
	}
	// Only when it no longer does.
	c.synchronised = func() bool { return false }
	near(t, "no longer kept", c.Now(), noon.Add(time.Hour))
}

func TestUntrustedDatesAreIgnored(t *testing.T) {
	s := newDated(t)
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", noon.Add(time.Hour).Format(http.TimeFormat))
	}))
	t.Cleanup(plain.Close)
	for name, c := range map[string]struct {
		issuer, to, date string
		took             time.Duration
	}{
		"plain http":                   {issuer: plain.URL, to: plain.URL},
		"another host than the issuer": {issuer: "https://op.example", to: s.URL, date: noon.Add(time.Hour).Format(http.TimeFormat)},
		"no date":                      {issuer: s.URL, to: s.URL},
		"not a date":                   {issuer: s.URL, to: s.URL, date: "soon"},
		"before this program":          {issuer: s.URL, to: s.URL, date: noon.Add(-50 * time.Minute).Format(http.TimeFormat)},
		"before the certificate":       {issuer: s.URL, to: s.URL, date: noon.Add(-2 * time.Hour).Format(http.TimeFormat)},
		"after the certificate":        {issuer: s.URL, to: s.URL, date: noon.Add(8 * 24 * time.Hour).Format(http.TimeFormat)},
		"an answer that took long":     {issuer: s.URL, to: s.URL, date: noon.Add(time.Hour).Format(http.TimeFormat), took: 30 * time.Second},
		"time that ran backwards":      {issuer: s.URL, to: s.URL, date: noon.Add(time.Hour).Format(http.TimeFormat), took: -time.Second},
	} {
		d, k := newDevice(c.issuer, 0)
		if name == "before this program" { // and after the certificate's first moment
			k.earliest = noon.Add(-45 * time.Minute)
		}
		s.date, s.spend = c.date, func() { d.up.Add(int64(c.took)) }
		if err := s.asked(t, k, c.to); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !k.Now().Equal(d.now()) || k.Corrections() != 0 {
			t.Errorf("%s: believed: %v", name, k.Now())
		}
	}
}

// TestNoCheckOfTLSIsSkippedForTheTime: a device that is behind the certificates
// learns nothing, and says that its clock is to blame.
func TestLearntTimeSkipsNoTLSCheck(t *testing.T) {
	s := newDated(t)
	s.says(noon)
	d, c := newDevice(s.URL, -2*time.Hour)
	err := s.asked(t, c, s.URL)
	if err == nil || !SuggestsWrongClock(err, c.Now()) || !c.Now().Equal(d.now()) {
		t.Errorf("%v, and the time is %v", err, c.Now())
	}
	stranger := newDated(t)
	stranger.says(noon.Add(time.Hour))
	d, c = newDevice(stranger.URL, 0)
	stranger.roots = x509.NewCertPool()
	if err := stranger.asked(t, c, stranger.URL); !errors.As(err, new(x509.UnknownAuthorityError)) || !c.Now().Equal(d.now()) {
		t.Errorf("%v, and the time is %v", err, c.Now())
	}
	// What was learnt makes younger certificates good, and never an old one.
	d, c = newDevice(s.URL, -30*time.Minute)
	s.says(noon.Add(24 * time.Hour))
	if err := s.asked(t, c, s.URL); err != nil {
		t.Fatal(err)
	}
	near(t, "learnt", c.certificateTime(), noon.Add(24*time.Hour))
	d.jump(8 * 24 * time.Hour)
	if err := s.asked(t, c, s.URL); err == nil {
		t.Error("an expired certificate was good again")
	}
}
