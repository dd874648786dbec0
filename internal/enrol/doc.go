// Package enrol makes a device known to the authorization server: it makes the
// device's key, has a technician allow the registration from their own phone, registers
// the device with its public key, and later changes the key.
//
// # What must hold whatever happens
//
//   - The private key is made here and never leaves. No secret is typed, and none
//     stands on a command line.
//   - A registration is made once. That it is about to be made is on disk before the
//     request leaves; when nobody can know what became of the request, the next
//     run says so and does not register again until it is told to: only the operator
//     can see at the server whether there is one.
//   - Every step can be repeated. What is done already is not done again, so running it
//     twice changes nothing, and running it after a power cut finishes it.
//   - The technician's tokens are used for that one request, given back, and never on disk.
//
// # What it uses
//
// The device authorization grant (RFC 8628) with a public bootstrap client, dynamic client
// registration (RFC 7591) with the technician's access token, or a one-time token from
// a file, as initial access token, and its management protocol (RFC 7592) where the
// server has it. CIBA Core, section 4, names the client's metadata.
//
// It leaves to others: what is drawn and said, which settings are written where, and
// whether the device works afterwards.
package enrol
