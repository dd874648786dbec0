package provider

import (
	"encoding/json"
	"strings"
)

// Person is an invented person.
type Person struct {
	// Username identifies the person to scripts. It is also the preferred_username claim.
	Username string
	// Subject is the sub claim. It differs from the username, so that a client that
	// confuses the two fails.
	Subject string
	// Name, Email and Phone are claims. Email and phone number are verified; the phone
	// number is in E.164 form.
	Name, Email, Phone string
	// Phoneless people have no phone. A request for one fails as for an unknown person.
	Phoneless bool
	// UserCode must be part of each request for the person; empty if none is set (CIBA
	// section 7.1.2).
	UserCode string
	// Roles is the roles claim.
	Roles []string

	customer map[string]any // the answer of /api/customer
}

// people are all people. Telephone numbers are from Ofcom's range for drama, domains
// from RFC 2606.
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

// People lists all people in a fixed order.
func People() []Person {
	list := make([]Person, len(people))
	for i, p := range people {
		list[i] = *p
	}
	return list
}

// personByUsername returns a person, nil if there is none.
func personByUsername(username string) *Person {
	for _, p := range people {
		if p.Username == username {
			return p
		}
	}
	return nil
}

// PeopleWithPhone lists the people who can answer, in a fixed order.
func PeopleWithPhone() []*Person {
	var list []*Person
	for _, p := range people {
		if !p.Phoneless {
			list = append(list, p)
		}
	}
	return list
}

// personByHint returns the person that a login_hint names, nil if there is none. The
// hint is a username, an e-mail address, a telephone number, a subject, or a JSON object
// with format "iss_sub" and this issuer (RFC 9493 section 3.2.6, used by Auth0).
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

// personBySubject returns the person with a sub, nil if there is none. It ignores a
// prefix such as Auth0's in "auth0|u-alice", which a kiosk's pattern may add.
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

// customerMembers are the members of the customer API's answer, but for the title, in the order of its documents.
var customerMembers = []string{"customer", "points", "level", "member_since", "parcels"}

// CustomerMembers lists what the customer API answers about a person, without what is empty. For an unknown person it
// lists everything that it can answer.
func CustomerMembers(username string) []string {
	p := personByUsername(username)
	if p == nil {
		return customerMembers
	}
	var list []string
	for _, name := range customerMembers {
		v, found := p.customer[name]
		if all, isList := v.([]any); found && !(isList && len(all) == 0) {
			list = append(list, name)
		}
	}
	return list
}

// claims returns the identity claims, whatever the scope, so that a client may check the
// approver by any of them. Tests remove claims with the fault "claims" (OIDC section 5.1).
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
