package store

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// Who looks at the record while a kiosk holds it gets a copy of how it stood a
// moment ago. bbolt's lock keeps readers out, but its pages do not: what the last
// commit can reach is not written over before the next one is complete. So a
// copy is sound if the newest meta page is the same after it as before.

// meta page: 16 bytes of header, then magic, version, page size, flags (4 bytes
// each), root, sequence, free list, pages used, transaction and checksum (8 each).
const (
	metaStart    = 16
	metaPages    = metaStart + 40
	metaTxid     = metaStart + 48
	metaChecksum = metaStart + 56
	metaMagic    = 0xED0CDAED
	copyTries    = 100 // a kiosk commits a few times a minute; a copy takes a few milliseconds
)

// copyHeld copies the file of a kiosk that holds it into memory.
func copyHeld(dir string) (*os.File, error) {
	from, err := os.OpenFile(filepath.Join(dir, dbName), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	for range copyTries {
		to, err := memoryFile()
		if err != nil {
			return nil, err
		}
		same, err := copyOnce(to, from)
		if err == nil && same {
			return to, nil
		}
		to.Close()
		if err != nil {
			return nil, err
		}
	}
	return nil, held(dir)
}

func copyOnce(to, from *os.File) (same bool, err error) {
	page, meta, err := newestMeta(from)
	if err != nil {
		return false, err
	}
	pages := binary.NativeEndian.Uint64(meta[metaPages:])
	if pages < 4 || pages > 1<<32/pageSize {
		return false, damaged("%d pages", pages)
	}
	if _, err := io.Copy(to, io.NewSectionReader(from, 0, int64(pages)*pageSize)); err != nil {
		return false, err
	}
	// The other meta page may be of a commit that is only half in the copy: both
	// become the one that counts.
	_, err1 := to.WriteAt(meta, int64(page)*pageSize)
	other := bytes.Clone(meta)
	binary.NativeEndian.PutUint64(other, uint64(1-page)) // in its header
	_, err2 := to.WriteAt(other, int64(1-page)*pageSize)
	_, after, err := newestMeta(from)
	if err1 != nil || err2 != nil || err != nil {
		return false, firstOf(err1, err2, err)
	}
	return string(after[:metaChecksum+8]) == string(meta[:metaChecksum+8]), nil
}

// newestMeta reads the meta page that counts: 0 or 1.
func newestMeta(f *os.File) (page int, meta []byte, err error) {
	best := uint64(0)
	for i := range 2 {
		b := make([]byte, pageSize)
		if _, err := f.ReadAt(b, int64(i)*pageSize); err != nil {
			return 0, nil, damaged("meta page %d cannot be read", i)
		}
		sum := fnv.New64a()
		sum.Write(b[metaStart:metaChecksum])
		if binary.NativeEndian.Uint32(b[metaStart:]) != metaMagic || binary.NativeEndian.Uint64(b[metaChecksum:]) != sum.Sum64() {
			continue
		}
		if txid := binary.NativeEndian.Uint64(b[metaTxid:]); meta == nil || txid > best {
			page, meta, best = i, b, txid
		}
	}
	if meta == nil {
		return 0, nil, damaged("neither meta page can be read")
	}
	return page, meta, nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
