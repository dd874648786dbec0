package seal

import (
	"bytes"
	"errors"
	"testing"
)

func newTestRing(t *testing.T, keys ...byte) *Ring {
	t.Helper()
	var all [][]byte
	for _, k := range keys {
		all = append(all, bytes.Repeat([]byte{k}, KeySize))
	}
	r, err := NewRing(all...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSealedValueOpensInItsPlaceOnly(t *testing.T) {
	r := newTestRing(t, 1)
	sealed := r.Seal([]byte("open"), []byte("7"), []byte("alice"))
	if bytes.Contains(sealed, []byte("alice")) {
		t.Error("not encrypted")
	}
	if plain, err := r.Open([]byte("open"), []byte("7"), sealed); err != nil || string(plain) != "alice" {
		t.Errorf("%q, %v", plain, err)
	}
	for _, place := range [][2]string{{"open", "8"}, {"meta", "7"}, {"open7", ""}} {
		if _, err := r.Open([]byte(place[0]), []byte(place[1]), sealed); !errors.Is(err, ErrSeal) {
			t.Errorf("in %v: %v", place, err)
		}
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := r.Open([]byte("open"), []byte("7"), bad); err == nil {
			t.Errorf("opens with byte %d changed", i)
		}
		if _, err := r.Open([]byte("open"), []byte("7"), sealed[:i]); err == nil {
			t.Errorf("opens when truncated to %d bytes", i)
		}
	}
}

// After a rotation, what the old key sealed, linked and tagged is still known; what is new needs the new key.
func TestKeyRotation(t *testing.T) {
	old, both, fresh := newTestRing(t, 1), newTestRing(t, 2, 1), newTestRing(t, 2)
	place := []byte("b")
	sealed := old.Seal(place, place, []byte("x"))
	if old.IsCurrent(sealed) != true || both.IsCurrent(sealed) != false {
		t.Error("IsCurrent is wrong")
	}
	if _, err := both.Open(place, place, sealed); err != nil {
		t.Error(err)
	}
	if _, err := fresh.Open(place, place, sealed); !errors.Is(err, ErrKey) {
		t.Errorf("without the old key: %v", err)
	}
	if _, err := fresh.Open(place, place, both.Seal(place, place, nil)); err != nil {
		t.Error(err)
	}
	l := old.Link(Link{}, []byte("entry"))
	if ok, err := both.VerifyLink(l, Link{}, []byte("entry")); !ok || err != nil {
		t.Error(ok, err)
	}
	if _, err := fresh.VerifyLink(l, Link{}, []byte("entry")); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
	tag := old.PersonTag([]byte("alice"))
	if both.PersonTag([]byte("alice")) == tag || !both.MatchPerson([]byte("Alice "))(tag) || fresh.MatchPerson([]byte("alice"))(tag) || both.MatchPerson([]byte("bob"))(tag) {
		t.Error("MatchPerson is wrong after a rotation")
	}
}

func TestLinkCoversAllParts(t *testing.T) {
	r := newTestRing(t, 1)
	l := r.Link(Link{1}, []byte("ab"), []byte("c"))
	for _, c := range []struct {
		before Link
		parts  [][]byte
	}{
		{Link{2}, [][]byte{[]byte("ab"), []byte("c")}},
		{Link{1}, [][]byte{[]byte("a"), []byte("bc")}},
		{Link{1}, [][]byte{[]byte("ab")}},
		{Link{1}, [][]byte{[]byte("ab"), []byte("C")}},
	} {
		if ok, _ := r.VerifyLink(l, c.before, c.parts...); ok {
			t.Errorf("the link also verifies %v", c)
		}
	}
	if ok, err := r.VerifyLink(l, Link{1}, []byte("ab"), []byte("c")); !ok || err != nil {
		t.Error(ok, err)
	}
	if r.Link(Link{}, []byte("x")) == newTestRing(t, 9).Link(Link{}, []byte("x")) {
		t.Error("the link does not depend on the key")
	}
}

func TestTagDependsOnTheKey(t *testing.T) {
	if newTestRing(t, 1).PersonTag([]byte("alice")) == newTestRing(t, 2).PersonTag([]byte("alice")) {
		t.Error("two devices give a person the same tag")
	}
}

func TestInvalidRingsAreRefused(t *testing.T) {
	k := bytes.Repeat([]byte{1}, KeySize)
	for _, keys := range [][][]byte{nil, {k[:31]}, {k, k}, {k, k, k, k, k}} {
		if _, err := NewRing(keys...); err == nil {
			t.Errorf("a ring of %d keys was accepted", len(keys))
		}
	}
}
