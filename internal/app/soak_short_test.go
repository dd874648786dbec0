//go:build !race

package app

// soakShort is the number of visits in every test run: about three seconds.
const soakShort = 1000
