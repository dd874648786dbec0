package oidc

import (
	"bytes"
	"strings"
	"testing"
)

func TestNewClientKeyRoundTrip(t *testing.T) {
	k, err := NewClientKey()
	if err != nil {
		t.Fatal(err)
	}
	private, err := k.PrivateJWK()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseClientKey(private)
	if err != nil || again.ID() != k.ID() || k.ID() == "" || again.chooseAlgorithm(nil) != "ES256" {
		t.Fatalf("%v, %v", again, err)
	}
	public, err := k.PublicJWK()
	if err != nil || strings.Contains(string(public), `"d"`) || !strings.Contains(string(public), k.ID()) {
		t.Errorf("%s, %v", public, err)
	}
	one, err := k.Derive("a purpose", 32)
	same, _ := again.Derive("a purpose", 32)
	other, _ := k.Derive("another", 32)
	if err != nil || len(one) != 32 || !bytes.Equal(one, same) || bytes.Equal(one, other) {
		t.Errorf("%v: the derived secret depends on more than key and purpose", err)
	}
	stranger, err := NewClientKey()
	if err != nil || stranger.ID() == k.ID() {
		t.Errorf("%v: two keys derive the same secret", err)
	}
}
