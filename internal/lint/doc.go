// Package lint holds the project's rules that no compiler checks, as tests: which package may import which, which calls
// are forbidden where, what must be documented, and which dependencies are allowed. It reads source text only; what a
// package does is tested beside that package.
//
// Each rule is a function from source files to problems. Each has a second test with bad examples, so that a rule that
// no longer finds anything is noticed.
package lint
