//go:build !race

package app

// soakShort is what every test run plays: about three seconds.
const soakShort = 1000
