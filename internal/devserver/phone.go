package devserver

import (
	"crypto/hmac"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

//go:embed pages static words
var files embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{"clock": clockText}).ParseFS(files, "pages/*.html"))

// phoneRoutes is the phone: pages that a real phone's browser can show. They work
// without JavaScript by forms and reloading.
func (s *Server) phoneRoutes(mux *http.ServeMux) {
	page := func(pattern string, h http.HandlerFunc) { mux.Handle(pattern, s.homeOnly(h)) }
	page("GET /phone", s.phonePicker)
	page("GET /phone/{user}", s.phonePage)
	page("GET /phone/{user}/cards", s.phoneCards)
	page("GET /phone/{user}/events", s.phoneEvents)
	page("POST /phone/{user}/answer", s.phoneAnswer)
	page("GET /device", s.devicePage)
	page("POST /device", s.deviceAnswer)
	mux.Handle("GET /static/", s.homeOnly(http.FileServerFS(files)))
}

// homeOnly keeps other sites out of what can answer for a person: a host name from
// the internet that points here (DNS rebinding), and requests that a page of
// another site makes (CSRF). It also sets the headers every page has.
func (s *Server) homeOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "+
			"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // no-referrer would make browsers send "Origin: null" with our own forms
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !s.homeName(r.Host) {
			http.Error(w, "devserver: this host name is not ours; use the address it printed at its start", http.StatusMisdirectedRequest)
			return
		}
		harmless := (r.Method == http.MethodGet || r.Method == http.MethodHead) && !strings.HasPrefix(r.URL.Path, "/dev/")
		if !harmless && foreign(r) {
			http.Error(w, "devserver: requests from other sites are refused", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// homeName reports whether a host name can only mean this machine or its
// neighbourhood: the issuer's, an address, or a name that nobody can buy.
func (s *Server) homeName(host string) bool {
	u, err := url.Parse("http://" + host)
	if err != nil {
		return false
	}
	name := strings.ToLower(u.Hostname())
	issuer, _ := url.Parse(s.Issuer())
	switch {
	case name == "":
		return false
	case issuer != nil && name == strings.ToLower(issuer.Hostname()):
		return true
	case strings.HasSuffix(name, ".localhost"), strings.HasSuffix(name, ".local"), !strings.Contains(name, "."):
		return true // IPv6 addresses have no dot either
	}
	return isAddress(name)
}

// foreign reports whether a browser says that the request comes from another site.
// Sec-Fetch-Site says it best, but browsers leave it out on plain http beyond
// this machine; then Origin must do. Scripts send neither.
func foreign(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site != "same-origin" && site != "none"
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || !strings.EqualFold(u.Host, r.Host)
}

// formToken ties a form to its request.
func (s *Server) formToken(q *request) string {
	mac := hmac.New(sha256.New, s.book.Forms)
	fmt.Fprintf(mac, "%d %s", q.Number, q.ID)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// clockText is a time left as people read it.
func clockText(seconds int) string { return fmt.Sprintf("%d:%02d", seconds/60, seconds%60) }

// phoneView is what the pages are filled in with.
type phoneView struct {
	tongue
	Title  string
	People []*Person
	Person *Person
	Cards  []card
	Done   string // approved, denied or gone: how the last answer went
	Live   bool   // whether the page updates by itself
	Code   string // user code typed, on the device page
	Wrong  bool   // that code is not pending
	Sorry  string // what went wrong, on the error page
	Back   string // where to go from there

	Choices []choice // the language switch
}

func show(w http.ResponseWriter, r *http.Request, status int, page string, view phoneView) {
	here := r.URL
	if view.Back != "" {
		here = &url.URL{} // what a form was sent to is no page: the switch is for where one goes back to
		here.Path = view.Back
	}
	view.Choices = choices(here, view.tongue)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", view.Lang)
	h.Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	pages.ExecuteTemplate(w, page, view) // the client may have gone
}

// sorry says in the person's language what was wrong with a form.
func sorry(w http.ResponseWriter, r *http.Request, status int, key, back string) {
	in := say(w, r)
	show(w, r, status, "sorry.html", phoneView{tongue: in, Title: in.texts["error.title"], Sorry: in.texts[key], Back: back})
}

func (s *Server) phonePicker(w http.ResponseWriter, r *http.Request) {
	pick(w, r, http.StatusOK)
}

func pick(w http.ResponseWriter, r *http.Request, status int) {
	in := say(w, r)
	show(w, r, status, "picker.html", phoneView{tongue: in, Title: in.texts["picker.title"], People: withPhone()})
}

// owner is the person whose phone a page belongs to; nobody's is a 404.
func owner(w http.ResponseWriter, r *http.Request) *Person {
	p := answerer(r.PathValue("user"))
	if p == nil {
		pick(w, r, http.StatusNotFound)
	}
	return p
}

func (s *Server) phonePage(w http.ResponseWriter, r *http.Request) {
	p := owner(w, r)
	if p == nil {
		return
	}
	in := say(w, r)
	view := phoneView{tongue: in, Title: fill(in.texts["phone.title"], []string{"name", p.Name}), Person: p,
		Cards: s.cards(p.Username, in), Live: true}
	view.outcome(r)
	show(w, r, http.StatusOK, "phone.html", view)
}

// outcome takes from the address how the last answer went. It leads the title,
// which a screen reader reads first.
func (v *phoneView) outcome(r *http.Request) {
	switch done := r.URL.Query().Get("done"); done {
	case "approved", "denied", "gone":
		v.Done = done
		v.Title = v.texts[done+".title"] + " – " + v.Title
	}
}

func (s *Server) phoneCards(w http.ResponseWriter, r *http.Request) {
	if p := owner(w, r); p != nil {
		in := say(w, r)
		show(w, r, http.StatusOK, "cards", phoneView{tongue: in, Person: p, Cards: s.cards(p.Username, in)})
	}
}

// phoneAnswer takes the form of a card.
func (s *Server) phoneAnswer(w http.ResponseWriter, r *http.Request) {
	p := owner(w, r)
	if p == nil {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	as := r.PostFormValue("as")
	to, known := map[string]requestState{"approve": approved, "decline": denied}[r.PostFormValue("decision")]
	number, err := strconv.Atoi(r.PostFormValue("request"))
	if err != nil || !known || (as != "" && answerer(as) == nil) {
		sorry(w, r, http.StatusBadRequest, "error.form", "/phone/"+p.Username)
		return
	}
	done, forged := s.answerCard(p.Username, number, as, r.PostFormValue("token"), to)
	if forged {
		sorry(w, r, http.StatusForbidden, "error.forged", "/phone/"+p.Username)
		return
	}
	http.Redirect(w, r, "/phone/"+p.Username+"?done="+done, http.StatusSeeOther)
}

// answerCard answers one request; done says how that went.
func (s *Server) answerCard(user string, number int, as, token string, to requestState) (done string, forged bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	s.settle(now)
	for _, q := range s.book.Requests {
		if q.Number != number || q.Person != user || q.device() {
			continue
		}
		if !hmac.Equal([]byte(token), []byte(s.formToken(q))) {
			return "", true
		}
		if !q.open(now) || s.decide(q, as, to, now) != nil {
			return "gone", false
		}
		return string(to), false
	}
	return "gone", false
}
