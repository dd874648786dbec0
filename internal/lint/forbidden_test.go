package lint

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// rule forbids names outside tests, with exceptions.
type rule struct {
	names  []string          // import path and name, or the bare name of a builtin function or field
	why    string            // what to do instead
	except map[string]string // reason by folder, file or "func main"
}

const inMain = "func main"

var rules = []rule{
	{
		names: []string{"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.Tick"},
		why:   "take the time from the caller's clock; wait with a timer that can be stopped",
		except: map[string]string{
			"internal/host":                      "it implements the clock",
			"internal/devserver/provider":        "a separate program whose options contain a clock",
			"internal/devserver/phone/events.go": "a write deadline",
		},
	},
	{
		names:  []string{"os.Exit", "syscall.Exit", "runtime.Goexit", "log.Fatal", "log.Fatalf", "log.Fatalln"},
		why:    "return an error or an exit code: only main ends the process, so that the terminal is restored",
		except: map[string]string{inMain: "the only place"},
	},
	{
		names:  []string{"os.Stdin", "os.Stdout", "os.Stderr"},
		why:    "use the readers and writers passed as arguments",
		except: map[string]string{inMain: "main passes them on"},
	},
	{
		names: []string{"fmt.Print", "fmt.Printf", "fmt.Println", "print", "println"},
		why:   "write to the writer passed as an argument: standard output is the screen, or lines for scripts",
	},
	{
		names: []string{
			"log.Print", "log.Printf", "log.Println", "log.Panic", "log.Panicf", "log.Panicln", "log.Default",
			"log/slog.Debug", "log/slog.Info", "log/slog.Warn", "log/slog.Error", "log/slog.Log", "log/slog.Default", "log/slog.SetDefault",
		},
		why: "use the slog.Logger passed as an argument",
	},
	{
		names:  []string{"log.SetOutput"},
		why:    "nothing writes to the standard logger",
		except: map[string]string{inMain: "silences the standard library, which prints unsolicited server responses"},
	},
	{
		names: []string{
			"net/http.DefaultClient", "net/http.DefaultTransport", "net/http.Get", "net/http.Head", "net/http.Post", "net/http.PostForm",
			"net/http.DefaultServeMux", "net/http.Handle", "net/http.HandleFunc", "net/http.ListenAndServe", "net/http.ListenAndServeTLS", "net/http.Serve",
		},
		why: "they have no time limits, follow redirects and are shared: create a client or server",
	},
	{
		names: []string{"os.Getenv", "os.LookupEnv", "os.Environ", "os.Setenv", "os.Unsetenv"},
		why:   "settings come from internal/config, which records the origin of each",
		except: map[string]string{
			"internal/config":         "it reads the settings",
			"internal/host/notify.go": "NOTIFY_SOCKET belongs to the service manager and is no setting",
			"internal/tui":            "TERM and the locale belong to the terminal; tcell reads the locale from the environment",
		},
	},
	{
		names: []string{"InsecureSkipVerify"},
		why:   "certificates are always verified; KIOSK_CA_FILE is for private authorities",
	},
	{
		names: []string{"panic"},
		why:   "return an error",
		except: map[string]string{
			"internal/devserver/faults":          "for development; http.ErrAbortHandler is a panic",
			"internal/devserver/phone/locale.go": "an invalid embedded catalogue is a build mistake that its tests find",
			"internal/tui/close.go":              "repeats a panic after restoring the terminal",
			"internal/words":                     "an invalid embedded catalogue is a build mistake that its tests find",
			"internal/app/names.go":              "crypto/rand ends the program before it fails",
		},
	},
}

// use is one occurrence of a forbidden name.
type use struct {
	rule   int
	name   string
	except string // the exception that allows it; empty if none does
	at     string
}

// uses lists every occurrence of a forbidden name.
func uses(all []source) []use {
	var found []use
	for _, s := range all {
		if s.dir == "internal/testkit" { // test code, as files named _test.go
			continue
		}
		imports := s.imports()
		for _, d := range s.file.Decls {
			f, isFunc := d.(*ast.FuncDecl)
			main := isFunc && f.Recv == nil && f.Name.Name == "main" && s.file.Name.Name == "main"
			ast.Inspect(d, func(n ast.Node) bool {
				var name string
				switch n := n.(type) {
				case *ast.SelectorExpr:
					name = n.Sel.Name
					if x, ok := n.X.(*ast.Ident); ok && imports[x.Name] != "" {
						name = imports[x.Name] + "." + name
					}
				case *ast.KeyValueExpr: // a field of a composite literal
					if key, ok := n.Key.(*ast.Ident); ok {
						name = key.Name
					}
				case *ast.CallExpr:
					if f, ok := n.Fun.(*ast.Ident); ok {
						name = f.Name
					}
				}
				for i, r := range rules {
					if slices.Contains(r.names, name) {
						found = append(found, use{i, name, r.exception(s, main), s.at(n)})
					}
				}
				return true
			})
		}
	}
	return found
}

func (r rule) exception(s source, main bool) string {
	for where := range r.except {
		if where == s.path || where == s.dir || where == inMain && main {
			return where
		}
	}
	return ""
}

func forbidden(all []source) []string {
	var bad []string
	for _, u := range uses(all) {
		if u.except == "" {
			bad = append(bad, fmt.Sprintf("%s: %s: %s", u.at, u.name, rules[u.rule].why))
		}
	}
	return bad
}

// unusedExceptions reports exceptions that nothing needs: they would allow a future violation.
func unusedExceptions(all []source) []string {
	needed := make(map[string]bool)
	for _, u := range uses(all) {
		needed[fmt.Sprint(u.rule, u.except)] = true
	}
	var bad []string
	for i, r := range rules {
		for where := range r.except {
			if !needed[fmt.Sprint(i, where)] {
				bad = append(bad, fmt.Sprintf("the exception for %s in %s is not needed", strings.Join(r.names, ", "), where))
			}
		}
	}
	slices.Sort(bad)
	return bad
}

func TestForbiddenCallsAreAbsent(t *testing.T) {
	all := sources(t)
	report(t, forbidden(all))
	report(t, unusedExceptions(all))
}

func TestForbiddenCalls(t *testing.T) {
	bad := example(t,
		"internal/ciba/a.go", `package ciba
import ("time"; web "net/http"; "log"; "log/slog"; "crypto/tls"; "os"; "fmt")
func f(l *slog.Logger) {
	now := time.Now
	l.Info("fine")
	slog.Info("not fine")
	log.New(nil, "", 0).Print("fine")
	web.Get("x")
	c := tls.Config{InsecureSkipVerify: true}
	c.InsecureSkipVerify = true
	os.Exit(1)
	fmt.Println(now)
	panic("no")
}
func main() { os.Exit(1) }
`,
		"internal/host/a.go", `package host
import "time"
var _ = time.Now()
`,
		"cmd/kiosk/main.go", `package main
import "os"
func main() { os.Exit(run(os.Stdout)) }
func run(w any) int { os.Exit(2); return 0 }
`)
	wantProblems(t, forbidden(bad), "a.go:4: time.Now", "a.go:6: log/slog.Info", "a.go:8: net/http.Get", "a.go:9: InsecureSkipVerify",
		"a.go:10: InsecureSkipVerify", "a.go:11: os.Exit", "a.go:12: fmt.Println", "a.go:13: panic", "a.go:15: os.Exit",
		"main.go:4: os.Exit")
	wantProblems(t, unusedExceptions(bad[1:]), "log.SetOutput", "os.Getenv", "os.Getenv", "os.Getenv", "panic", "panic", "panic", "panic", "panic", "time.Now", "time.Now")
}
