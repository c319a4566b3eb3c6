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
	"strings"
	"sync"

	"github.com/whippet-ml/whippet/internal/files"
)

// Actions of a decision.
const (
	Keep    = "keep"    // picture and label are right
	Relabel = "relabel" // the picture is good, its label is Decision.Label, its labels are Decision.Labels, or its numbers Decision.Numbers
	Drop    = "drop"    // leave the picture out
)

// Decision is what a person decided about a picture.
type Decision struct {
	Action string   `json:"action"`
	Label  string   `json:"label,omitempty"`  // of pictures that have one label
	Labels []string `json:"labels,omitempty"` // of pictures that may have several; empty for none of them

	Numbers []string `json:"numbers,omitempty"` // of pictures with numbers: all of them, as text
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
			r.decisions, err = parseDecisions(b, s)
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
func parseDecisions(b []byte, s *Set) (map[string]Decision, error) {
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
		if err := f.Decisions[name].check(s); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if f.Decisions == nil {
		f.Decisions = map[string]Decision{}
	}
	return f.Decisions, nil
}

// check reports why a decision cannot be one about a picture of the set.
func (d Decision) check(s *Set) error {
	switch d.Action {
	case Keep, Drop:
		if d.Action == Keep && s.Unlabeled {
			return errors.New("there is no label to keep: choose one")
		}
		if d.Label != "" || len(d.Labels) > 0 || len(d.Numbers) > 0 {
			return fmt.Errorf("to %s takes no label, not %q", d.Action, slices.Concat(d.Labels, []string{d.Label}, d.Numbers))
		}
		return nil
	case Relabel:
		if s.Numbers {
			return d.checkNumbers(s)
		}
		if len(d.Numbers) > 0 {
			return fmt.Errorf("numbers %q: pictures have labels here", d.Numbers)
		}
		labels := []string{d.Label}
		switch {
		case s.Several && d.Label != "":
			return fmt.Errorf("label %q: pictures may have several here, which are given as labels", d.Label)
		case s.Several:
			labels = d.Labels
		case len(d.Labels) > 0:
			return fmt.Errorf("labels %q: pictures have one label here", d.Labels)
		}
		for i, l := range labels {
			if !slices.Contains(s.Vocab, l) {
				return fmt.Errorf("label %q is not one of the model's %d classes", l, len(s.Vocab))
			}
			if slices.Contains(labels[:i], l) {
				return fmt.Errorf("label %q is given twice", l)
			}
		}
		return nil
	}
	return fmt.Errorf("action %q; want %s, %s or %s", d.Action, Keep, Relabel, Drop)
}

// checkNumbers is check of a relabeled picture with numbers.
func (d Decision) checkNumbers(s *Set) error {
	if d.Label != "" || len(d.Labels) > 0 {
		return fmt.Errorf("label %q: pictures have numbers here", append(d.Labels, d.Label))
	}
	if len(d.Numbers) != len(s.Vocab) {
		return fmt.Errorf("%d numbers are given; a picture has %d: %.200q", len(d.Numbers), len(s.Vocab), s.Vocab)
	}
	for k, text := range d.Numbers {
		if v, err := strconv.ParseFloat(text, 32); err != nil || v-v != 0 {
			return fmt.Errorf("%s is %.40q, which is no finite number", s.Vocab[k], text)
		}
	}
	return nil
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
		if err := d.check(r.set); err != nil {
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
	if r.set.Unlabeled {
		c.Rows = c.Relabeled
	}
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

// LabelsColumn is the column of the table when pictures may have several labels.
const LabelsColumn = "labels"

// Delimiter returns what separates the labels of a picture in the table, such as no label has in it;
// "" when pictures have one label. The error is that every known separator is part of a label.
func (s *Set) Delimiter() (string, error) {
	if !s.Several {
		return "", nil
	}
	for _, sep := range []string{";", "|", ",", "/", "\t", ";;"} {
		if !slices.ContainsFunc(s.Vocab, func(label string) bool { return strings.Contains(label, sep) }) {
			return sep, nil
		}
	}
	return "", errors.New("there is no character that could separate the labels in a table: they have semicolons, bars, commas, slashes and tabs in them")
}

// columns are the names of the table's columns.
func (s *Set) columns() []string {
	switch {
	case s.Numbers:
		return slices.Concat([]string{"path"}, s.Vocab, []string{"is_valid"})
	case s.Several && s.Unlabeled:
		return []string{"path", LabelsColumn}
	case s.Several:
		return []string{"path", LabelsColumn, "is_valid"}
	case s.Unlabeled:
		return []string{"path", "label"}
	}
	return []string{"path", "label", "is_valid"}
}

// NumberColumns returns what names the numbers of the table behind --label csv:FILE: their names, or, where these
// would be taken for something else, their places.
func (s *Set) NumberColumns() string {
	odd := func(name string) bool {
		_, err := strconv.Atoi(name)
		return err == nil || strings.ContainsAny(name, ",:") || strings.TrimSpace(name) != name
	}
	if !slices.ContainsFunc(s.Vocab, odd) {
		return strings.Join(s.Vocab, ",")
	}
	places := make([]string, len(s.Vocab))
	for k := range places {
		places[k] = strconv.Itoa(k + 1)
	}
	return strings.Join(places, ",")
}

// writeTable writes path, label (or labels, or numbers) and is_valid of every picture that was not
// dropped; of unlabeled ones, path and label of those that got one.
func (r *Review) writeTable(w io.Writer) error {
	sep, err := r.set.Delimiter()
	if err != nil {
		return err
	}
	out := csv.NewWriter(w)
	columns := r.set.columns()
	_ = out.Write(columns)
	for _, p := range r.set.Pictures {
		if r.set.Numbers {
			if d := r.decisions[p.Name]; d.Action != Drop {
				values := p.Numbers
				if d.Action == Relabel {
					values = d.Numbers
				}
				_ = out.Write(slices.Concat([]string{p.Name}, values, []string{strconv.FormatBool(p.Valid)}))
			}
			continue
		}
		labels := make([]string, len(p.Labels))
		for i, k := range p.Labels {
			labels[i] = r.set.Vocab[k]
		}
		switch d := r.decisions[p.Name]; {
		case d.Action == Drop, r.set.Unlabeled && d.Action != Relabel:
			continue
		case d.Action == Relabel && r.set.Several:
			labels = d.Labels
		case d.Action == Relabel:
			labels = []string{d.Label}
		}
		_ = out.Write([]string{p.Name, strings.Join(labels, sep), strconv.FormatBool(p.Valid)}[:len(columns)])
	}
	out.Flush()
	return out.Error() // of any of the writes
}
