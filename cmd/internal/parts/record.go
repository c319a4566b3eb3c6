package parts

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"

	"github.com/whippet-ml/whippet/internal/files"
)

// Run says which work the parts belong to. Results of different runs are not joined.
type Run struct {
	Command string `json:"command"`           // predict or verify
	Listing string `json:"listing"`           // digest of the names of all files, in order (Digest)
	Files   int    `json:"files"`             // how many there are
	Unit    int    `json:"unit"`              // files that are worked on together, so that parts begin at multiples of it
	Model   string `json:"model,omitempty"`   // digest of the model's file (FileDigest)
	Options string `json:"options,omitempty"` // those that change the result
	Form    string `json:"form"`              // csv or json
	Version string `json:"version"`           // of the program
}

// differs names the first thing in which two runs differ, "" if they are the same.
func (r Run) differs(o Run) string {
	switch {
	case r.Command != o.Command:
		return fmt.Sprintf("it is the result of %s, not of %s", o.Command, r.Command)
	case r.Files != o.Files:
		return fmt.Sprintf("its listing has %d files, not %d", o.Files, r.Files)
	case r.Listing != o.Listing:
		return "its listing has other files, or in another order"
	case r.Unit != o.Unit:
		return fmt.Sprintf("its files were worked on %d at a time, not %d", o.Unit, r.Unit)
	case r.Model != o.Model:
		return "it was made with another model"
	case r.Options != o.Options:
		return fmt.Sprintf("it was made with %q, not with %q", o.Options, r.Options)
	case r.Form != o.Form:
		return fmt.Sprintf("it is %s, not %s", o.Form, r.Form)
	case r.Version != o.Version:
		return fmt.Sprintf("it was made by version %s of the program, not by %s", o.Version, r.Version)
	}
	return ""
}

// Record lies beside the result of a part and says what it is.
type Record struct {
	Run
	Part
	Set    string `json:"instruction_set"`
	Done   int    `json:"done"`   // files with a result
	Failed int    `json:"failed"` // files that could not be read
	Bytes  int64  `json:"bytes"`  // of the result
	SHA256 string `json:"sha256"` // of the result
}

// recordOf is the name of the record of a result.
func recordOf(result string) string { return result + ".part.json" }

// Write writes the part's result to file, and then its record: a result without one
// is not finished. write is given the file and returns how many files of the
// part had a result and how many could not be read.
func Write(file string, run Run, p Part, set string, write func(w io.Writer) (done, failed int, err error)) (Record, error) {
	r := Record{Run: run, Part: p, Set: set}
	sum := &counted{hash: sha256.New()}
	err := files.WriteFile(file, func(w io.Writer) (err error) {
		sum.w = w
		r.Done, r.Failed, err = write(sum)
		return err
	})
	if err != nil {
		return r, err
	}
	r.Bytes, r.SHA256 = sum.n, hex.EncodeToString(sum.hash.Sum(nil))
	err = files.WriteFile(recordOf(file), func(w io.Writer) error {
		b, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		_, err = w.Write(append(b, '\n'))
		return err
	})
	return r, err
}

// counted counts and hashes what is written.
type counted struct {
	w    io.Writer
	n    int64
	hash hash.Hash
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	c.hash.Write(p[:n])
	return n, err
}

// maxRecord bounds the bytes of a record; they have hundreds.
const maxRecord = 1 << 16

// readRecord reads the record of a result.
func readRecord(result string) (Record, error) {
	var r Record
	f, size, err := files.Open(recordOf(result))
	if errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("%s has no record %s: it is no part's result, or was not finished: run its part again", result, recordOf(result))
	}
	if err != nil {
		return r, err
	}
	defer f.Close()
	if size > maxRecord {
		return r, fmt.Errorf("%s has %d bytes; no record has more than %d", recordOf(result), size, maxRecord)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxRecord))
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err == nil {
		err = r.check()
	}
	if err == nil && (r.Files < 0 || r.Unit < 1 || r.Files > math.MaxInt-r.Unit) {
		err = fmt.Errorf("%d files in groups of %d: not of a part", r.Files, r.Unit)
	}
	if err != nil {
		return r, fmt.Errorf("the record %s: %w", recordOf(result), err)
	}
	return r, nil
}

// Digest is the digest of a listing.
func Digest(names []string) string {
	h := sha256.New()
	for _, n := range names {
		_, _ = io.WriteString(h, n+"\x00")
	}
	return hex.EncodeToString(h.Sum(nil))
}

// FileDigest is the digest of a file.
func FileDigest(path string) (string, error) {
	f, _, err := files.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
