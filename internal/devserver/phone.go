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
	"time"
)

//go:embed pages static
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

// card is a pending request as the phone shows it.
type card struct {
	Number       int
	Client, Site string
	Allows       string   // what the scopes mean, as the rest of a sentence
	Words        []string // of the binding message
	Size         string   // class that makes the longest word fit the screen
	Left, Life   int      // seconds
	Token        string   // proves that the form came from this page
	User         string
	Others       []*Person
}

// cards lists what a person is asked, oldest first: what comes later is added
// below, so that nothing moves under a thumb that is about to press.
func (s *Server) cards(user string) []card {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	s.settle(now)
	var list []card
	for _, q := range s.book.Requests {
		if q.Person == user && q.open(now) {
			list = append(list, s.card(q, now))
		}
	}
	return list
}

// card lays a request out. The lock must be held.
func (s *Server) card(q *request, now time.Time) card {
	c := card{Number: q.Number, Site: q.Site, Allows: plainScopes(q.Scope), Words: strings.Fields(q.Binding),
		Left: max(0, int(q.Expires.Sub(now).Seconds())), Life: int(q.Expires.Sub(q.Created).Seconds()),
		Token: s.formToken(q), User: q.Person}
	c.Client = q.Client
	if known := s.book.client(q.Client); known != nil {
		c.Client = known.Name
	}
	if q.device() {
		c.Words = []string{q.UserCode}
	}
	longest := 0
	for _, w := range c.Words {
		longest = max(longest, len(w))
	}
	c.Size = "xs"
	for _, step := range []struct {
		most int
		size string
	}{{6, "xl"}, {8, "l"}, {10, "m"}, {14, "s"}} {
		if longest <= step.most {
			c.Size = step.size
			break
		}
	}
	for _, p := range withPhone() {
		if p.Username != q.Person {
			c.Others = append(c.Others, p)
		}
	}
	return c
}

// formToken ties a form to its request.
func (s *Server) formToken(q *request) string {
	mac := hmac.New(sha256.New, s.book.Forms)
	fmt.Fprintf(mac, "%d %s", q.Number, q.ID)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// plainScopes says in words what the scopes allow.
func plainScopes(scopes []string) string {
	known := map[string]string{
		"openid": "know that it is you", "profile": "see your name", "email": "see your e-mail address",
		"phone": "see your phone number", "address": "see your address", "offline_access": "stay signed in until you end it",
	}
	var list []string
	for _, scope := range scopes {
		words, found := known[scope]
		if !found {
			words = "use “" + plainText(scope, 40) + "”"
		}
		list = append(list, words)
	}
	if n := len(list); n > 1 {
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
	return strings.Join(list, "")
}

// clockText is a time left as people read it.
func clockText(seconds int) string { return fmt.Sprintf("%d:%02d", seconds/60, seconds%60) }

// phoneView is what the pages are filled in with.
type phoneView struct {
	Title  string
	People []*Person
	Person *Person
	Cards  []card
	Done   string // approved, denied or gone: how the last answer went
	Live   bool   // whether the page updates by itself
	Code   string // user code typed, on the device page
	Wrong  bool   // that code is not pending
}

func show(w http.ResponseWriter, status int, page string, view phoneView) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	pages.ExecuteTemplate(w, page, view) // the client may have gone
}

func (s *Server) phonePicker(w http.ResponseWriter, r *http.Request) {
	show(w, http.StatusOK, "picker.html", phoneView{Title: "Whose phone is this?", People: withPhone()})
}

// owner is the person whose phone a page belongs to; nobody's is a 404.
func owner(w http.ResponseWriter, r *http.Request) *Person {
	p := answerer(r.PathValue("user"))
	if p == nil {
		show(w, http.StatusNotFound, "picker.html", phoneView{Title: "Whose phone is this?", People: withPhone()})
	}
	return p
}

func (s *Server) phonePage(w http.ResponseWriter, r *http.Request) {
	p := owner(w, r)
	if p == nil {
		return
	}
	view := phoneView{Title: p.Name + "’s phone", Person: p, Cards: s.cards(p.Username), Live: true}
	switch done := r.URL.Query().Get("done"); done {
	case "approved", "denied", "gone":
		view.Done = done
	}
	show(w, http.StatusOK, "phone.html", view)
}

func (s *Server) phoneCards(w http.ResponseWriter, r *http.Request) {
	if p := owner(w, r); p != nil {
		show(w, http.StatusOK, "cards", phoneView{Person: p, Cards: s.cards(p.Username)})
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
		http.Error(w, "devserver: this form is not complete; go back and try again", http.StatusBadRequest)
		return
	}
	done, forged := s.answerCard(p.Username, number, as, r.PostFormValue("token"), to)
	if forged {
		http.Error(w, "devserver: this form is not from here; go back and try again", http.StatusForbidden)
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
