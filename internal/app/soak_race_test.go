//go:build race

package app

// soakShort is what the race detector looks at; it makes a visit ten times as slow.
const soakShort = 300
