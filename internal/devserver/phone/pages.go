// Package phone is the phone of the development provider's people: pages on which a
// person sees the requests for them and approves or declines. They suit a real
// phone's browser and work without JavaScript, by forms and reloading.
//
// It leaves requests and answers to package provider.
package phone

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
)

//go:embed pages static words
var files embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{"clock": formatTimeLeft}).ParseFS(files, "pages/*.html"))

// maxForm is the largest form accepted, in bytes.
const maxForm = 64 << 10

// phone serves the pages.
type phone struct {
	server *provider.Server
}

// Register adds the pages to a server.
func Register(s *provider.Server) {
	p := &phone{s}
	page := func(pattern string, h http.HandlerFunc) { s.Handle(pattern, s.LocalOnly(h)) }
	page("GET /phone", p.showPicker)
	page("GET /phone/{user}", p.showPhone)
	page("GET /phone/{user}/cards", p.showCards)
	page("GET /phone/{user}/events", p.streamEvents)
	page("POST /phone/{user}/answer", p.answerCard)
	page("GET /device", p.showDevice)
	page("POST /device", p.answerDevice)
	s.Handle("GET /static/", s.LocalOnly(http.FileServerFS(files)))
	s.Handle("GET /{$}", http.RedirectHandler("/phone", http.StatusSeeOther))
}

// formatTimeLeft writes seconds as minutes and seconds.
func formatTimeLeft(seconds int) string { return fmt.Sprintf("%d:%02d", seconds/60, seconds%60) }

// view is the data of the page templates.
type view struct {
	locale
	Title  string
	People []*provider.Person
	Person *provider.Person
	Cards  []card
	Done   string // outcome of the last answer: approved, denied or gone; else empty
	Live   bool   // the page updates by itself
	Code   string // the user code entered on the device page
	Wrong  bool   // no request with that code is pending
	Error  string // text of the error page
	Back   string // where the error page leads

	Choices []languageChoice
}

func render(w http.ResponseWriter, r *http.Request, status int, page string, v view) {
	here := r.URL
	if v.Back != "" {
		here = &url.URL{Path: v.Back} // a form's address has no page; switch language on the page behind it
	}
	v.Choices = languageChoices(here, v.locale)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.Lang)
	h.Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	pages.ExecuteTemplate(w, page, v) // fails only if the client left
}

// renderError explains what is wrong with a form; key names the text.
func renderError(w http.ResponseWriter, r *http.Request, status int, key, back string) {
	in := chooseLocale(w, r)
	render(w, r, status, "error.html", view{locale: in, Title: in.texts["error.title"], Error: in.texts[key], Back: back})
}

func (p *phone) showPicker(w http.ResponseWriter, r *http.Request) {
	renderPicker(w, r, http.StatusOK)
}

func renderPicker(w http.ResponseWriter, r *http.Request, status int) {
	in := chooseLocale(w, r)
	render(w, r, status, "picker.html", view{locale: in, Title: in.texts["picker.title"], People: provider.PeopleWithPhone()})
}

// phoneOwner returns the person whose phone a page is. If there is none, it answers
// 404 and returns nil.
func phoneOwner(w http.ResponseWriter, r *http.Request) *provider.Person {
	owner := provider.PersonWithPhone(r.PathValue("user"))
	if owner == nil {
		renderPicker(w, r, http.StatusNotFound)
	}
	return owner
}

func (p *phone) showPhone(w http.ResponseWriter, r *http.Request) {
	owner := phoneOwner(w, r)
	if owner == nil {
		return
	}
	in := chooseLocale(w, r)
	v := view{locale: in, Title: fillIn(in.texts["phone.title"], []string{"name", owner.Name}), Person: owner,
		Cards: p.cards(owner.Username, in), Live: true}
	v.readOutcome(r)
	render(w, r, http.StatusOK, "phone.html", v)
}

// readOutcome takes the outcome of the last answer from the address. The outcome
// precedes the title, which a screen reader reads first.
func (v *view) readOutcome(r *http.Request) {
	switch done := r.URL.Query().Get("done"); done {
	case "approved", "denied", "gone":
		v.Done = done
		v.Title = v.texts[done+".title"] + " – " + v.Title
	}
}

func (p *phone) showCards(w http.ResponseWriter, r *http.Request) {
	if owner := phoneOwner(w, r); owner != nil {
		in := chooseLocale(w, r)
		render(w, r, http.StatusOK, "cards", view{locale: in, Person: owner, Cards: p.cards(owner.Username, in)})
	}
}

// answerCard handles the form of a card.
func (p *phone) answerCard(w http.ResponseWriter, r *http.Request) {
	owner := phoneOwner(w, r)
	if owner == nil {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	as, decision := r.PostFormValue("as"), r.PostFormValue("decision")
	number, err := strconv.Atoi(r.PostFormValue("request"))
	back := "/phone/" + owner.Username
	if err != nil || !isDecision(decision) || (as != "" && provider.PersonWithPhone(as) == nil) {
		renderError(w, r, http.StatusBadRequest, "error.form", back)
		return
	}
	err = p.server.AnswerForm(owner.Username, number, as, r.PostFormValue("token"), decision == "approve")
	showOutcome(w, r, decision, err, back)
}

func (p *phone) showDevice(w http.ResponseWriter, r *http.Request) {
	code := provider.PlainText(r.URL.Query().Get("user_code"), 20)
	in := chooseLocale(w, r)
	v := view{locale: in, Title: in.texts["device.title"], Code: code, People: provider.PeopleWithPhone()}
	v.readOutcome(r)
	status := http.StatusOK
	if code != "" {
		if q, found := p.server.PendingDevice(code); found {
			v.Cards = []card{newCard(q, in)}
		} else {
			v.Wrong, status = true, http.StatusNotFound
		}
	}
	render(w, r, status, "device.html", v)
}

// answerDevice handles the form of the device page, the verification_uri of device
// requests (RFC 8628 section 3.3).
func (p *phone) answerDevice(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	as, decision := r.PostFormValue("as"), r.PostFormValue("decision")
	if !isDecision(decision) || provider.PersonWithPhone(as) == nil {
		renderError(w, r, http.StatusBadRequest, "error.form", "/device")
		return
	}
	err := p.server.AnswerDeviceForm(r.PostFormValue("user_code"), as, r.PostFormValue("token"), decision == "approve")
	showOutcome(w, r, decision, err, "/device")
}

func isDecision(decision string) bool { return decision == "approve" || decision == "decline" }

// showOutcome redirects to a page with the outcome of an answer.
func showOutcome(w http.ResponseWriter, r *http.Request, decision string, err error, page string) {
	if errors.Is(err, provider.ErrForged) {
		renderError(w, r, http.StatusForbidden, "error.forged", page)
		return
	}
	done := map[string]string{"approve": "approved", "decline": "denied"}[decision]
	if err != nil {
		done = "gone"
	}
	http.Redirect(w, r, page+"?done="+done, http.StatusSeeOther)
}
