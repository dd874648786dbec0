package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // a driver without cgo

	"github.com/ciba-kiosk/ciba-kiosk/internal/seal"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// sqlite stores the same records as the store: the same members, encryption and hash
// chain, with one flushed transaction for each record.
type sqlite struct {
	db   *sql.DB
	ring *seal.Ring
	head seal.Link
	seq  int64
}

const tables = `
CREATE TABLE visits (number INTEGER PRIMARY KEY, visit TEXT NOT NULL, code TEXT, tag BLOB NOT NULL);
CREATE TABLE steps (seq INTEGER PRIMARY KEY, number INTEGER NOT NULL, stage INTEGER NOT NULL, reason INTEGER, wall INTEGER NOT NULL, boot TEXT,
	uptime INTEGER NOT NULL, expires INTEGER, interval INTEGER, pause INTEGER, sent INTEGER, sent_at INTEGER, link BLOB NOT NULL);
CREATE TABLE open (number INTEGER PRIMARY KEY, sealed BLOB NOT NULL);
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;`

func openSQLite(dir, mode string) (journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", fmt.Sprintf("file:%s?_pragma=journal_mode(%s)&_pragma=synchronous(full)", filepath.Join(dir, "kiosk.sqlite"), mode))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(tables); err != nil {
		return nil, err
	}
	ring, err := seal.NewRing(make([]byte, seal.KeySize))
	return &sqlite{db: db, ring: ring}, err
}

func (s *sqlite) Append(r kiosk.Record) error {
	tx, err := s.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var number int64
	if r.Stage == kiosk.StageAsking {
		tag := s.ring.PersonTag(r.Secrets.Identifier)
		res, err := tx.Exec(`INSERT INTO visits (visit, code, tag) VALUES (?, ?, ?)`, r.Visit, r.Code, tag[:])
		if err != nil {
			return err
		}
		if number, err = res.LastInsertId(); err != nil {
			return err
		}
	} else if err := tx.QueryRow(`SELECT number FROM visits ORDER BY number DESC LIMIT 1`).Scan(&number); err != nil {
		return err
	}
	s.seq++
	s.head = s.ring.Link(s.head, fmt.Append(nil, number, r.Visit, r.Stage, r.Reason, r.Wall, r.Uptime))
	if _, err := tx.Exec(`INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, s.seq, number, r.Stage, r.Reason, r.Wall.UnixNano(), r.Boot,
		r.Uptime, r.Expires, r.Interval, r.Pause, r.Sent, r.SentAt.UnixNano(), s.head[:]); err != nil {
		return err
	}
	if r.Stage.Final() {
		_, err = tx.Exec(`DELETE FROM open WHERE number = ?`, number)
	} else {
		plain := fmt.Append(nil, string(r.Secrets.Identifier), string(r.Secrets.RequestID), string(r.Secrets.Tokens.Access), string(r.Secrets.Tokens.ID))
		sealed := s.ring.Seal([]byte("open"), fmt.Append(nil, number), plain)
		_, err = tx.Exec(`INSERT OR REPLACE INTO open VALUES (?, ?)`, number, sealed)
	}
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT OR REPLACE INTO meta VALUES ('head', ?)`, s.head[:]); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *sqlite) Close() error { return s.db.Close() }
