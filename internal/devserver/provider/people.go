package provider

import (
	"encoding/json"
	"strings"
)

// Person is one of the made-up people who own a made-up phone.
type Person struct {
	// Username is what scripts call the person and the preferred_username claim.
	Username string
	// Subject is the sub claim. It differs from the username on purpose, so that
	// a client which confuses the two is found out.
	Subject string
	// Name, Email and Phone are the claims of the same meaning; both addresses
	// count as verified. The phone number is E.164, from a range reserved for fiction.
	Name, Email, Phone string
	// Phoneless people exist but have enrolled no phone; asking for them is
	// answered like asking for nobody.
	Phoneless bool
	// UserCode is what the person has set so that no stranger can have the phone
	// rung (CIBA section 7.1.2); empty for none.
	UserCode string
	// Roles is the roles claim; most people have none.
	Roles []string

	customer map[string]any // what /api/customer answers
}

// people is everybody there is. Telephone numbers are from the range that the
// British regulator keeps free for drama, domain from RFC 2606.
var people = []*Person{
	{
		Username: "alice", Subject: "u-alice", Name: "Alice Archer",
		Email: "alice@shop.example", Phone: "+447700900101",
		customer: map[string]any{
			"title": "Welcome, Alice", "customer": "C-1001", "points": 1240,
			"level": "Gold", "member_since": "March 2019",
			"parcels": []any{
				map[string]any{"box": "12", "from": "Bookshop"},
				map[string]any{"box": "7", "from": "Garden centre"},
			},
		},
	},
	{
		Username: "bob", Subject: "u-bob", Name: "Bob Okafor",
		Email: "bob@shop.example", Phone: "+447700900102",
		customer: map[string]any{
			"title": "Welcome, Bob", "customer": "C-1002", "points": 85,
			"level": "Blue", "member_since": "October 2025",
			"parcels": []any{map[string]any{"box": "3", "from": "Bicycle workshop"}},
		},
	},
	{
		Username: "carol", Subject: "u-carol", Name: "Carol Nguyễn",
		Email: "carol@shop.example", Phone: "+447700900103",
		customer: map[string]any{
			"title": "Welcome, Carol", "customer": "C-1003", "points": 0,
			"level": "Blue", "member_since": "last week", "parcels": []any{},
		},
	},
	{
		Username: "dave", Subject: "u-dave", Name: "Dave Lindqvist",
		Email: "dave@shop.example", Phone: "+447700900104", Phoneless: true,
		customer: map[string]any{"title": "Welcome, Dave", "customer": "C-1004", "points": 10},
	},
	{
		Username: "erin", Subject: "u-erin", Name: "Erin Castellanos",
		Email: "erin@shop.example", Phone: "+447700900105", UserCode: "25802580",
		customer: map[string]any{
			"title": "Welcome, Erin", "customer": "C-1005", "points": 310,
			"level": "Silver", "member_since": "May 2022", "parcels": []any{},
		},
	},
	{
		Username: "tara", Subject: "u-tara", Name: "Tara Whitfield",
		Email: "tara@service.example", Phone: "+447700900106", Roles: []string{"staff", "kiosk-technician"},
		customer: map[string]any{"title": "Welcome, Tara", "customer": "C-1006", "points": 0},
	},
}

// People lists everybody there is, in a fixed order.
func People() []Person {
	list := make([]Person, len(people))
	for i, p := range people {
		list[i] = *p
	}
	return list
}

// personByUsername finds somebody by username; nil if there is no such person.
func personByUsername(username string) *Person {
	for _, p := range people {
		if p.Username == username {
			return p
		}
	}
	return nil
}

// PeopleWithPhone lists the people who can answer, in the order of the phone page.
func PeopleWithPhone() []*Person {
	var list []*Person
	for _, p := range people {
		if !p.Phoneless {
			list = append(list, p)
		}
	}
	return list
}

// personByHint turns a login_hint into a person: username, e-mail address, telephone
// number, subject, or the JSON form with format "iss_sub" (RFC 9493 section
// 3.2.6, as used by Auth0), whose iss must be ours. Nil means nobody.
func personByHint(hint, issuer string) *Person {
	hint = strings.TrimSpace(hint)
	if strings.HasPrefix(hint, "{") {
		var id struct {
			Format string `json:"format"`
			Issuer string `json:"iss"`
			Sub    string `json:"sub"`
		}
		if json.Unmarshal([]byte(hint), &id) != nil || id.Format != "iss_sub" || id.Issuer != issuer {
			return nil
		}
		return personBySubject(id.Sub)
	}
	number := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "").Replace(hint)
	for _, p := range people {
		if strings.EqualFold(p.Username, hint) || strings.EqualFold(p.Email, hint) ||
			p.Phone == number || p.Subject == hint {
			return p
		}
	}
	return nil
}

// personBySubject finds somebody by sub; a prefix as Auth0 has it ("auth0|u-alice") is
// allowed, since a kiosk's pattern may put one there.
func personBySubject(sub string) *Person {
	if _, rest, ok := strings.Cut(sub, "|"); ok {
		sub = rest
	}
	for _, p := range people {
		if p.Subject == sub {
			return p
		}
	}
	return nil
}

// claims are the identity claims of OIDC section 5.1. They are given whatever the
// scope was: a kiosk's check of who answered can then be tried with any kind of
// identifier. Tests that need one missing take it away with the fault "claims".
func (p *Person) claims() map[string]any {
	all := map[string]any{
		"sub": p.Subject, "preferred_username": p.Username, "name": p.Name,
		"email": p.Email, "email_verified": true,
		"phone_number": p.Phone, "phone_number_verified": true,
	}
	if p.Roles != nil {
		all["roles"] = p.Roles
	}
	return all
}
