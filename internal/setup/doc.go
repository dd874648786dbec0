// Package setup gives a device its registration: on the command line (Provisioning) or on its own screen, where a
// technician signs in with a phone (Screen). The screen is a state of the daemon: the same supervisor and control socket
// serve it. How a key is made and a client registered is decided by package enrol.
package setup
