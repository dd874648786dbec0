// Package tui shows screens on a text terminal and reads its keys, touches and scans. It is the only package that uses
// tcell.
//
// Rules of the user interface:
//
//   - Only cells from package layout are printed, one cell at a time: they contain no control characters. Nothing else
//     in the program prints while a Screen is open.
//   - One goroutine paints. Words come from package screen, positions from layout; this package chooses colours, reads
//     input and restores the terminal on every way out.
//   - The screen is repainted when it changes, when the terminal comes to the foreground, and every Options.SyncEvery,
//     so that foreign text on the console does not stay.
//
// What tcell v2 does not do by itself:
//
//   - Its Fini hangs once some 256 key events are unread. A pump always reads them, keys beyond a small buffer are
//     dropped, and Close has a time limit.
//   - It falls back to ASCII in the locale C and refuses others. A UTF-8 locale is set for this process first.
//   - Its key parser ignores all later keys after an escape sequence that opens a string, which a bar code can contain.
//     Such a string is closed as soon as it is opened.
//   - It must not ask for the mouse on a Linux console: each click would arrive as typed characters. There, touch
//     screens and mice are read from the kernel.
//   - A write to a stopped terminal (Scroll Lock) blocks. Drawing has a goroutine of its own, so that Show never waits.
//
// Every goroutine that could panic while a Screen is open starts with `defer screen.RecoverPanic()` or by Screen.Go.
package tui
