package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Names of the NBD protocol document; only what is used here.
const (
	nbdInit       = 0x4e42444d41474943 // NBDMAGIC
	nbdOption     = 0x49484156454f5054 // IHAVEOPT
	nbdOptReply   = 0x0003e889045565a9
	nbdRequest    = 0x25609513
	nbdReply      = 0x67446698
	nbdFixed      = 1 // fixed newstyle
	nbdNoZeroes   = 2
	nbdExportName = 1
	nbdAbort      = 2
	nbdInfo       = 6
	nbdGo         = 7
	nbdRepAck     = 1
	nbdRepInfo    = 3
	nbdRepUnsup   = 1<<31 + 1
	nbdHasFlags   = 1
	nbdSendFlush  = 4
	nbdRead       = 0
	nbdWrite      = 1
	nbdDisc       = 2
	nbdFlush      = 3
	nbdMost       = 32 << 20 // bytes in one request: the protocol's default limit
	errInval      = 22
)

// nbdServer is a disk that records each write and each flush in order. It serves one connection at a time, one request
// after another, so a write before a flush is covered by it. It offers neither FUA nor trim: the client flushes
// instead, and writes stay writes.
type nbdServer struct {
	// progress returns how much the program has printed so far.
	progress func() (acked, pushed int64)

	mu    sync.Mutex
	now   []byte
	steps []diskStep
}

// diskStep is one write, or a flush, with what the program had printed before: the sizes of its output files.
type diskStep struct {
	call
	flush         bool
	acked, pushed int64
}

func (d *nbdServer) appendStep(s diskStep) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s.acked, s.pushed = d.progress()
	copy(d.now[s.off:], s.data)
	d.steps = append(d.steps, s)
}

func (d *nbdServer) listen(path string) (net.Listener, error) {
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d.serve(c) // ends with the client, which reports what failed
			c.Close()
		}
	}()
	return l, nil
}

func (d *nbdServer) serve(c io.ReadWriter) error {
	if err := d.handshake(c); err != nil {
		return err
	}
	for {
		var q struct {
			Magic       uint32
			Flags, Kind uint16
			Handle, Off uint64
			Len         uint32
		}
		if err := binary.Read(c, binary.BigEndian, &q); err != nil {
			return err
		}
		if q.Magic != nbdRequest || q.Kind == nbdDisc || q.Len > nbdMost {
			return fmt.Errorf("request %+v", q)
		}
		data := make([]byte, q.Len)
		code := uint32(0)
		if q.Kind == nbdWrite {
			if _, err := io.ReadFull(c, data); err != nil {
				return err
			}
		}
		inside := q.Off+uint64(q.Len) <= uint64(len(d.now)) && q.Off <= uint64(len(d.now))
		switch {
		case q.Kind == nbdFlush:
			d.appendStep(diskStep{flush: true})
		case !inside, q.Kind != nbdRead && q.Kind != nbdWrite:
			code = errInval
		case q.Kind == nbdWrite:
			d.appendStep(diskStep{call: call{name: "pwrite64", off: int64(q.Off), data: data}})
		default:
			d.mu.Lock()
			copy(data, d.now[q.Off:])
			d.mu.Unlock()
		}
		answer := bigEndian(uint32(nbdReply), code, q.Handle)
		if q.Kind == nbdRead && code == 0 {
			answer = append(answer, data...)
		}
		if _, err := c.Write(answer); err != nil {
			return err
		}
	}
}

// handshake negotiates, up to where requests begin.
func (d *nbdServer) handshake(c io.ReadWriter) error {
	c.Write(bigEndian(uint64(nbdInit), uint64(nbdOption), uint16(nbdFixed|nbdNoZeroes)))
	var flags uint32
	if err := binary.Read(c, binary.BigEndian, &flags); err != nil {
		return err
	}
	what := bigEndian(uint64(len(d.now)), uint16(nbdHasFlags|nbdSendFlush))
	for {
		var o struct {
			Magic     uint64
			Kind, Len uint32
		}
		if err := binary.Read(c, binary.BigEndian, &o); err != nil {
			return err
		}
		if o.Magic != nbdOption || o.Len > 1<<16 {
			return fmt.Errorf("option %+v", o)
		}
		if _, err := io.CopyN(io.Discard, c, int64(o.Len)); err != nil {
			return err
		}
		reply := func(kind uint32, data []byte) error {
			_, err := c.Write(append(bigEndian(uint64(nbdOptReply), o.Kind, kind, uint32(len(data))), data...))
			return err
		}
		var err error
		switch o.Kind {
		case nbdExportName:
			if flags&nbdNoZeroes == 0 {
				what = append(what, make([]byte, 124)...)
			}
			_, err = c.Write(what)
			return err
		case nbdInfo, nbdGo:
			err = errors.Join(reply(nbdRepInfo, append(bigEndian(uint16(0)), what...)), reply(nbdRepAck, nil))
			if o.Kind == nbdGo {
				return err
			}
		case nbdAbort:
			reply(nbdRepAck, nil)
			return io.EOF
		default:
			err = reply(nbdRepUnsup, nil)
		}
		if err != nil {
			return err
		}
	}
}

// bigEndian encodes numbers in network order.
func bigEndian(numbers ...any) (b []byte) {
	for _, n := range numbers {
		b, _ = binary.Append(b, binary.BigEndian, n)
	}
	return b
}
