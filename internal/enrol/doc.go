// Package enrol registers a device with the authorization server and rotates its key. It makes the key, has a
// technician approve the registration on their own phone, and registers the device with its public key.
//
// # Guarantees
//
//   - The private key is made here and never leaves. Nobody types a secret or puts one on a command line.
//   - A device is registered once. The intention is on disk before the request is sent. If the outcome is unknown, the
//     next run says so and registers again only when told to: only the operator can look at the server.
//   - Every step can be repeated. Running it twice changes nothing, and running it after a power cut completes it.
//   - The technician's token is used for that one request and then revoked. It is never on disk.
//
// # Protocols
//
// The device authorization grant with a public bootstrap client (RFC 8628), or a one-time token from a file; dynamic
// client registration with that access token as initial access token (RFC 7591), and its management protocol if the
// server supports it (RFC 7592). CIBA Core, section 4, defines the client's metadata.
//
// It leaves to others what is displayed, which settings are written where, and whether the device works afterwards.
package enrol
