// Package tui shows kiosk screens on a text terminal and reads its keys.
//
// It is the only package that knows tcell. It gets finished words and asks layout
// where they go, so it knows neither phases nor protocol; its part is colours,
// keys, fingers, and leaving the terminal as it was found on every way out.
//
// What tcell v2 does not do by itself is done here:
//
//   - Its Fini waits for ever once some 256 key events are unread. A pump always
//     reads them, keys beyond a small buffer are dropped, and Close bounds the wait.
//   - It prints whatever it is given. Only cells from layout are printed, which are
//     clean, and one cell at a time.
//   - It falls back to ASCII where the locale is C, and refuses others. A UTF-8
//     locale is set for this process first.
//   - Its key parser goes deaf after an escape sequence that opens a string, which a
//     bar code can hold. Such a string is closed as soon as it is opened.
//   - It does not ask for the mouse on a Linux console: each click would arrive as
//     typed characters. There touch screens and mice are read from the kernel.
//   - A write to a terminal that was stopped (Scroll Lock) blocks. Drawing has a
//     goroutine of its own, so that Show never waits for it.
//
// Every goroutine of the program that could panic while a Screen is open should
// start with `defer screen.Recover()` or be started by Screen.Go.
package tui
