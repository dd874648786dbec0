package store

import (
	"encoding/base64"
	"slices"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// hintToken returns an unsigned login hint token with these claims.
func hintToken(claims string) string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"ES256","typ":"hint+jwt"}`)) + "." + part([]byte(claims)) + "." + part(make([]byte, 64))
}

func TestPersonTag(t *testing.T) {
	s := openTest(t, t.TempDir())
	for _, c := range []struct {
		name, a, b string
		same       bool
	}{
		{"the same", "alice", "alice", true},
		{"capitals", "Alice@Example.ORG", "alice@example.org", true},
		{"trailing space", "alice ", "alice", true},
		{"grouped phone number", "+44 7700 900-123", "+447700900123", true},
		{"brackets", "(030) 1234", "0301234", true},
		{"wide letters", "ａｌｉｃｅ", "alice", true},
		{"é in one piece or two", "jos\u00e9", "jose\u0301", true},
		{"an invisible character", "al\u200bice", "alice", true},
		{"capital sharp s", "STRAẞE", "straße", true},
		{"another person", "alice", "bob", false},
		{"another number", "0301234", "0301235", false},
		{"with and without accent", "jose", "josé", true},
		{"00 and +", "00447700900123", "+447700900123", true},
		{"national and international", "07700900123", "+44 (0)7700 900123", true},
		{"without plus", "447700900123", "+447700900123", true},
		{"leading zeros", "000100425", "100425", true},
		{"another short number", "100425", "1100425", false},
		{"a token signed again", hintToken(`{"sub":"u-17","iat":1}`), hintToken(`{"sub":"u-17","iat":2}`), true},
		{"a token and the name in it", hintToken(`{"sub":"u-17"}`), "U-17", true},
		{"tokens by RFC 9493", hintToken(`{"sub_id":{"format":"phone_number","phone_number":"+447700900123"}}`), "07700 900123", true},
		{"tokens of two persons", hintToken(`{"sub":"u-17"}`), hintToken(`{"sub":"u-18"}`), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := kiosk.Secret(c.a), kiosk.Secret(c.b)
			if (s.PersonTag(a) == s.PersonTag(b)) != c.same {
				t.Errorf("%q and %q", c.a, c.b)
			}
			if string(a) != c.a || string(b) != c.b {
				t.Error("the caller's identifier was changed")
			}
		})
	}
}

// memory is guard.Memory: the two packages must not import each other.
type memory interface {
	PastRequests(kiosk.Secret, func(kiosk.PastRequest) bool) error
}

var _ memory = (*Store)(nil)

func TestPastRequests(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	ask := func(visit, who string, wall time.Time) {
		r := rec(visit, kiosk.StageAsking)
		r.Secrets.Identifier, r.Wall = kiosk.Secret(who), wall
		mustAppend(t, s, r)
	}
	ask("v1", "alice", noon)
	ask("v2", "bob", noon.Add(-48*time.Hour)) // the clock went back
	mustAppend(t, s, rec("v1", kiosk.StageAcknowledged), rec("v1", kiosk.StageEnded))
	ask("v3", "ALICE ", noon.Add(time.Minute))
	s.Close()
	s = openTest(t, dir) // it survives a restart
	var walls []time.Time
	var same []bool
	var histories []string
	collect := func(limit int) {
		walls, same, histories = nil, nil, nil
		err := s.PastRequests(kiosk.Secret("alice"), func(p kiosk.PastRequest) bool {
			if p.Boot != "boot-1" || p.Uptime != time.Hour+time.Second {
				t.Errorf("boot %q, uptime %v", p.Boot, p.Uptime)
			}
			stages := ""
			if p.SamePerson {
				for _, r := range p.History() {
					stages += " " + r.Stage.String()
					if len(r.Secrets.Identifier)+len(r.Secrets.RequestID) > 0 {
						t.Error("a history has a secret")
					}
				}
			}
			walls, same, histories = append(walls, p.Wall), append(same, p.SamePerson), append(histories, stages)
			return len(walls) < limit
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	collect(10)
	if len(walls) != 3 || !walls[0].Equal(noon.Add(time.Minute)) || !walls[1].Equal(noon.Add(-48*time.Hour)) || !walls[2].Equal(noon) {
		t.Errorf("not newest first: %v", walls)
	}
	if len(same) != 3 || !same[0] || same[1] || !same[2] {
		t.Errorf("same person: %v", same)
	}
	if want := []string{" asking", "", " asking asked ended"}; !slices.Equal(histories, want) {
		t.Errorf("histories: %q, want %q", histories, want)
	}
	if collect(2); len(walls) != 2 {
		t.Errorf("it went on after false: %v", walls)
	}
}
