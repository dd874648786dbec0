package app

import (
	"crypto/rand"
	"math/big"
)

// codeAlphabet contains capitals and digits that are not confused when read, heard or compared. It lacks 0 O, 1 I L, 2 Z,
// 5 S and 8 B.
const codeAlphabet = "ACDEFGHJKMNPQRTUVWXY34679"

// newVisit returns a visit's name for record and logs (128 bits), and the code that kiosk and phone show: 25^6, nearly 28
// bits. CIBA asks only that two open requests are unlikely to share a code; it is no secret and proves nothing.
func newVisit() (visit, code string) {
	c := make([]byte, 0, 7)
	for i := range 6 {
		if i == 3 {
			c = append(c, '-')
		}
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(codeAlphabet))))
		if err != nil {
			panic("no randomness: " + err.Error()) // never happens: crypto/rand ends the program first
		}
		c = append(c, codeAlphabet[n.Int64()])
	}
	return rand.Text(), string(c)
}
