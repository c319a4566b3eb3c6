package clean

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"

	"github.com/whippet-ml/whippet/internal/files"
)

// Actions of a decision.
const (
	Keep    = "keep"    // picture and label are right
	Relabel = "relabel" // the picture is good, its label is Decision.Label
	Drop    = "drop"    // leave the picture out
)

// Decision is what a person decided about a picture.
type Decision struct {
	Action string `json:"action"`
	Label  string `json:"label,omitempty"`
}

// DecisionsSuffix is added to the table's name for the file that remembers the
// decisions, also those to keep a picture, which the table cannot tell.
const DecisionsSuffix = ".decisions.json"

const (
	decisionsFormat = 1
	maxDecisions    = 256 << 20 // bytes of a decisions file
)

type decisionsFile struct {
	Format    int                 `json:"format"`
	Decisions map[string]Decision `json:"decisions"` // by the picture's name
}

// Review is the decisions about a set and the two files that hold them. Every
// decision is on the disk when Decide returns. It is safe for concurrent use.
type Review struct {
	set *Set
	out string

	mu        sync.Mutex
	decisions map[string]Decision
	written   []byte // what the decisions file had in it when it was last read or written
}

// OpenReview begins a review whose table is the file out, or continues one: then
// the decisions file is beside it. A table without that file is somebody's
// work, and is an error.
func OpenReview(out string, s *Set) (*Review, error) {
	r := &Review{set: s, out: out, decisions: map[string]Decision{}}
	f, err := os.Open(out + DecisionsSuffix)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(out); err == nil {
			return nil, fmt.Errorf("%s exists and is not of an earlier review (there is no %s%s): choose another name", out, out, DecisionsSuffix)
		}
	case err != nil:
		return nil, err
	default:
		defer func() { _ = f.Close() }()
		b, err := io.ReadAll(io.LimitReader(f, maxDecisions+1))
		r.written = b
		if err == nil {
			r.decisions, err = parseDecisions(b, s.Vocab)
		}
		if err != nil {
			return nil, fmt.Errorf("%s%s: %w; fix it, or remove it to start over", out, DecisionsSuffix, err)
		}
	}
	if err := r.save(); err != nil { // tells at once when it cannot be written
		return nil, err
	}
	return r, nil
}

// parseDecisions reads a decisions file.
func parseDecisions(b []byte, vocab []string) (map[string]Decision, error) {
	if len(b) > maxDecisions {
		return nil, fmt.Errorf("larger than %d bytes", maxDecisions)
	}
	var f decisionsFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("not a file of decisions: %w", err)
	}
	if f.Format != decisionsFormat {
		return nil, fmt.Errorf("format %d; this version knows %d", f.Format, decisionsFormat)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Decisions)) {
		if err := f.Decisions[name].check(vocab); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if f.Decisions == nil {
		f.Decisions = map[string]Decision{}
	}
	return f.Decisions, nil
}

func (d Decision) check(vocab []string) error {
	switch d.Action {
	case Keep, Drop:
		if d.Label != "" {
			return fmt.Errorf("to %s takes no label, not %q", d.Action, d.Label)
		}
		return nil
	case Relabel:
		if !slices.Contains(vocab, d.Label) {
			return fmt.Errorf("label %q is not one of the model's %d classes", d.Label, len(vocab))
		}
		return nil
	}
	return fmt.Errorf("action %q; want %s, %s or %s", d.Action, Keep, Relabel, Drop)
}

// Decide records decisions about pictures of the set, by index, all or none; a
// nil decision takes one back. When they cannot be saved, the error says why,
// and in the review everything is as before; the next decision writes both files
// anew.
func (r *Review) Decide(what map[int]*Decision) error {
	for i, d := range what {
		if i < 0 || i >= len(r.set.Pictures) {
			return fmt.Errorf("picture %d of %d", i, len(r.set.Pictures))
		}
		if d == nil {
			continue
		}
		if err := d.check(r.set.Vocab); err != nil {
			return fmt.Errorf("%s: %w", r.set.Pictures[i].Name, err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before := maps.Clone(r.decisions)
	for i, d := range what {
		name := r.set.Pictures[i].Name
		if d == nil {
			delete(r.decisions, name)
			continue
		}
		r.decisions[name] = *d
	}
	if err := r.save(); err != nil {
		r.decisions = before
		return err
	}
	return nil
}

// Decision returns what was decided about a picture, if anything.
func (r *Review) Decision(i int) (Decision, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d, ok := r.decisions[r.set.Pictures[i].Name]
	return d, ok
}

// Counts says how many pictures of the set were kept, relabeled and dropped.
type Counts struct {
	Kept      int `json:"kept"`
	Relabeled int `json:"relabeled"`
	Dropped   int `json:"dropped"`
	Pictures  int `json:"pictures"` // in the set
	Rows      int `json:"rows"`     // in the table
}

// Counts counts.
func (r *Review) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := Counts{Pictures: len(r.set.Pictures)}
	for _, p := range r.set.Pictures {
		switch r.decisions[p.Name].Action {
		case Keep:
			c.Kept++
		case Relabel:
			c.Relabeled++
		case Drop:
			c.Dropped++
		}
	}
	c.Rows = c.Pictures - c.Dropped
	return c
}

// save writes both files, each whole or not at all; the decisions first, for
// the table follows from them.
func (r *Review) save() error {
	b, err := json.MarshalIndent(decisionsFile{decisionsFormat, r.decisions}, "", " ")
	if err != nil {
		return err
	}
	name := r.out + DecisionsSuffix
	// A second process on the same review would undo the first one's decisions
	// with each of its own.
	if there, err := os.ReadFile(name); err == nil && r.written != nil && !bytes.Equal(there, r.written) {
		return fmt.Errorf("%s was changed by another program: is another whippet clean working on it? Stop one of them and start this one again", name)
	}
	b = append(b, '\n')
	err = files.WriteFile(name, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
	if err != nil {
		return err
	}
	r.written = b
	return files.WriteFile(r.out, r.writeTable)
}

// writeTable writes path, label and is_valid of every picture that was not
// dropped.
func (r *Review) writeTable(w io.Writer) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"path", "label", "is_valid"})
	for _, p := range r.set.Pictures {
		label := r.set.Vocab[p.Label]
		switch d := r.decisions[p.Name]; d.Action {
		case Drop:
			continue
		case Relabel:
			label = d.Label
		}
		_ = out.Write([]string{p.Name, label, strconv.FormatBool(p.Valid)})
	}
	out.Flush()
	return out.Error() // of any of the writes
}
