package command

import (
	"errors"
	"io"
	"testing"
)

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"a b\n\tü🐱":            "a b\n\tü🐱",
		"x\x1b[31mred\x07":     `x\x1b[31mred\a`,
		"B\xe9ngal":            `B\xe9ngal`,
		"cat\u202egpj.exe":     `cat\u202egpj.exe`,
		"kept \ufffd as it is": "kept \ufffd as it is",
	} {
		if got := visible(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

// full is a disk without space.
type full struct{ left int }

var errFull = errors.New("no space left")

func (f *full) Write(b []byte) (int, error) {
	n := min(len(b), f.left)
	f.left -= n
	if n < len(b) {
		return n, errFull
	}
	return n, nil
}

func TestCheckedWriter(t *testing.T) {
	w := &checkedWriter{to: &full{left: 5}}
	if _, err := io.WriteString(w, "12345"); err != nil || w.err != nil {
		t.Fatalf("errors %v and %v while there is space", err, w.err)
	}
	io.WriteString(w, "6")
	w.to = io.Discard
	io.WriteString(w, "7")
	if !errors.Is(w.err, errFull) {
		t.Errorf("error %v, want the first", w.err)
	}
}
