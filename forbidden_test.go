package project_test

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// rule is a set of names that product code does not use, but for some places.
type rule struct {
	names  []string          // import path and name, or a bare name for a builtin function or a field
	why    string            // what to do instead
	except map[string]string // folder, or file, or "func main" to the reason
}

const inMain = "func main"

var rules = []rule{
	{
		names: []string{"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.Tick"},
		why:   "take the time from the caller's clock; wait with a timer that can be stopped",
		except: map[string]string{
			"internal/host":      "it is the clock",
			"internal/devserver": "another program, with a clock in its options",
		},
	},
	{
		names:  []string{"os.Exit", "syscall.Exit", "runtime.Goexit", "log.Fatal", "log.Fatalf", "log.Fatalln"},
		why:    "return an error or an exit code: only main ends the process, so that the terminal is given back",
		except: map[string]string{inMain: "the one place"},
	},
	{
		names:  []string{"os.Stdin", "os.Stdout", "os.Stderr"},
		why:    "read and write what was handed in",
		except: map[string]string{inMain: "they are handed in from there"},
	},
	{
		names: []string{"fmt.Print", "fmt.Printf", "fmt.Println", "print", "println"},
		why:   "write to what was handed in: standard output is the screen, or lines for scripts",
	},
	{
		names: []string{
			"log.Print", "log.Printf", "log.Println", "log.Panic", "log.Panicf", "log.Panicln", "log.Default",
			"log/slog.Debug", "log/slog.Info", "log/slog.Warn", "log/slog.Error", "log/slog.Log", "log/slog.Default", "log/slog.SetDefault",
		},
		why: "use the slog.Logger that was handed in",
	},
	{
		names:  []string{"log.SetOutput"},
		why:    "nothing writes to it",
		except: map[string]string{inMain: "silences the standard library, which prints what a server sends unasked"},
	},
	{
		names: []string{
			"net/http.DefaultClient", "net/http.DefaultTransport", "net/http.Get", "net/http.Head", "net/http.Post", "net/http.PostForm",
			"net/http.DefaultServeMux", "net/http.Handle", "net/http.HandleFunc", "net/http.ListenAndServe", "net/http.ListenAndServeTLS", "net/http.Serve",
		},
		why: "they have no time limits, follow redirects and are shared: make a client or server of your own",
	},
	{
		names: []string{"os.Getenv", "os.LookupEnv", "os.Environ", "os.Setenv", "os.Unsetenv"},
		why:   "settings come from internal/config, which says where each came from",
		except: map[string]string{
			"internal/config":         "it reads the settings",
			"internal/host/notify.go": "NOTIFY_SOCKET is where the service manager listens, and no setting",
			"internal/tui":            "TERM and the locale belong to the terminal, and tcell reads the locale from there",
		},
	},
	{
		names: []string{"InsecureSkipVerify"},
		why:   "a certificate is always checked; KIOSK_CA_FILE is for private authorities",
	},
	{
		names: []string{"panic"},
		why:   "return an error",
		except: map[string]string{
			"internal/devserver":    "for development, and net/http's way to break a connection on purpose is a panic",
			"internal/tui/close.go": "goes on with a panic after giving the terminal back",
			"internal/words":        "an embedded catalogue that is wrong is wrong at build time; its tests see it first",
			"internal/app/code.go":  "crypto/rand ends the program before it fails",
		},
	},
}

// use is one place where a rule's name stands.
type use struct {
	rule   int
	name   string
	except string // the exception that covers it, if any
	at     string
}

// uses lists every place where a name of the rules stands.
func uses(all []source) []use {
	var found []use
	for _, s := range all {
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

// idleExceptions names what is allowed and no longer done: it would hide the next one.
func idleExceptions(all []source) []string {
	needed := make(map[string]bool)
	for _, u := range uses(all) {
		needed[fmt.Sprint(u.rule, u.except)] = true
	}
	var bad []string
	for i, r := range rules {
		for where := range r.except {
			if !needed[fmt.Sprint(i, where)] {
				bad = append(bad, fmt.Sprintf("the exception of %s for %s is not needed", strings.Join(r.names, ", "), where))
			}
		}
	}
	slices.Sort(bad)
	return bad
}

func TestNothingForbiddenIsUsed(t *testing.T) {
	all := sources(t)
	holds(t, forbidden(all))
	holds(t, idleExceptions(all))
}

func TestForbiddenNamesAreSeen(t *testing.T) {
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
	finds(t, forbidden(bad), "a.go:4: time.Now", "a.go:6: log/slog.Info", "a.go:8: net/http.Get", "a.go:9: InsecureSkipVerify",
		"a.go:10: InsecureSkipVerify", "a.go:11: os.Exit", "a.go:12: fmt.Println", "a.go:13: panic", "a.go:15: os.Exit",
		"main.go:4: os.Exit")
	finds(t, idleExceptions(bad[1:]), "log.SetOutput", "os.Getenv", "os.Getenv", "os.Getenv", "panic", "panic", "panic", "panic", "time.Now")
}
