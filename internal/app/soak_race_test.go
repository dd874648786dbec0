//go:build race

package app

// soakShort is the number of visits under the race detector, which makes each ten times as slow.
const soakShort = 300
