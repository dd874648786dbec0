package app

import (
	"crypto/rand"
	"math/big"
)

// letters are what a code is made of: capitals and digits that nobody confuses
// when reading from a screen, hearing them, or comparing with a phone. Left out
// are 0 O, 1 I L, 2 Z, 5 S and 8 B.
const letters = "ACDEFGHJKMNPQRTUVWXY34679"

// draw makes a visit's name for journal and logs (128 bits), and the code that
// the kiosk and the phone show: 25^6, nearly 28 bits, where CIBA asks for enough that two
// open requests do not share one. It is no secret and proves nothing by itself.
func draw() (visit, code string) {
	c := make([]byte, 0, 7)
	for i := range 6 {
		if i == 3 {
			c = append(c, '-')
		}
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if err != nil {
			panic("no randomness: " + err.Error()) // never happens: crypto/rand ends the program first
		}
		c = append(c, letters[n.Int64()])
	}
	return rand.Text(), string(c)
}
