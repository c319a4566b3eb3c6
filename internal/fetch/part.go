package fetch

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// part is a file on its way: what came so far, and beside it a note of which
// version of the file it is, without which it cannot be continued.
type part struct {
	path string
	f    *os.File
	size int64
	note note
}

// note is the content of the .part.json file.
type note struct {
	URL       string `json:"url"`
	Validator string `json:"validator"` // strong ETag or Last-Modified; "" cannot be resumed
	Total     int64  `json:"total"`     // size of the whole file; -1 if not known
}

// open opens the part for continuing, emptied when it belongs to another
// address or says nothing about its version.
func (p *part) open(url string) error {
	if p.f != nil {
		return nil
	}
	f, err := os.OpenFile(p.path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	p.f = f
	if raw, err := os.ReadFile(p.path + ".json"); err == nil && len(raw) < 1<<16 {
		if json.Unmarshal(raw, &p.note) == nil && p.note.URL == url && p.note.Validator != "" {
			if p.size, err = f.Seek(0, io.SeekEnd); err != nil {
				return err
			}
			return nil
		}
	}
	return p.restart()
}

// restart forgets what came.
func (p *part) restart() error {
	p.size, p.note = 0, note{}
	if err := remove(p.path + ".json"); err != nil {
		return err
	}
	if err := p.f.Truncate(0); err != nil {
		return err
	}
	_, err := p.f.Seek(0, io.SeekStart)
	return err
}

// describe writes the note, before the first byte that it is about.
func (p *part) describe(n note) error {
	p.note = n
	raw, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return os.WriteFile(p.path+".json", raw, 0o644)
}

func (p *part) close() {
	if p.f != nil {
		p.f.Close()
		p.f = nil
	}
}

// discard removes what came.
func (p *part) discard() {
	p.close()
	_ = remove(p.path)
	_ = remove(p.path + ".json")
}

// finish gives the whole file its name.
func (p *part) finish(path string) error {
	if err := p.f.Sync(); err != nil {
		return err
	}
	p.close()
	if err := os.Rename(p.path, path); err != nil {
		return err
	}
	_ = remove(p.path + ".json")
	syncDir(filepath.Dir(path))
	return nil
}

// verify compares what came with what is known of the file.
func (r Request) verify(p *part) error {
	if r.Size > 0 && p.size != r.Size {
		return fmt.Errorf("it has %d bytes and should have %d", p.size, r.Size)
	}
	if r.HeadMD5 != "" {
		h := md5.New()
		if _, err := io.Copy(h, io.NewSectionReader(p.f, 0, 1<<20)); err != nil {
			return err
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != r.HeadMD5 {
			return fmt.Errorf("the MD5 of its first MiB is %s and should be %s: the publisher changed it or it was damaged on the way", got, r.HeadMD5)
		}
	}
	if r.GitSHA1 != "" {
		h := sha1.New()
		fmt.Fprintf(h, "blob %d\x00", p.size)
		if _, err := io.Copy(h, io.NewSectionReader(p.f, 0, p.size)); err != nil {
			return err
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != r.GitSHA1 {
			return fmt.Errorf("its hash is %s for Git and should be %s: it was damaged on the way", got, r.GitSHA1)
		}
	}
	if r.SHA256 != "" {
		if len(r.SHA256) < 8 {
			return errors.New("the SHA-256 to compare with has fewer than 8 digits")
		}
		h := sha256.New()
		if _, err := io.Copy(h, io.NewSectionReader(p.f, 0, p.size)); err != nil {
			return err
		}
		if got := hex.EncodeToString(h.Sum(nil)); !strings.HasPrefix(got, strings.ToLower(r.SHA256)) {
			return fmt.Errorf("its SHA-256 is %s and should begin with %s: the publisher changed it or it was damaged on the way", got, r.SHA256)
		}
	}
	return nil
}
