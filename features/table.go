package features

import (
	"bufio"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/whippet-ml/whippet/weights"
)

// Table has the features of pictures, a row each, for other programs.
type Table struct {
	Files  []string  // the pictures' names
	Labels []string  // theirs, or nil where none are known
	Width  int       // features of a picture
	Values []float32 // [len(Files),Width]
}

// Add appends a picture. label is not looked at where t has no labels.
func (t *Table) Add(file, label string, features []float32) {
	t.Files = append(t.Files, file)
	if t.Labels != nil {
		t.Labels = append(t.Labels, label)
	}
	t.Values = append(t.Values, features...)
}

// Vocab returns the labels that there are, sorted.
func (t *Table) Vocab() []string {
	all := slices.Clone(t.Labels)
	slices.Sort(all)
	return slices.Compact(all)
}

// Form returns how to write the file of this name: "csv", "npy" or "safetensors".
func Form(name string) (string, error) {
	form := strings.ToLower(strings.TrimPrefix(filepath.Ext(name), "."))
	if !slices.Contains([]string{"csv", "npy", "safetensors"}, form) {
		return "", fmt.Errorf("the name %q must end in .csv, .npy or .safetensors", name)
	}
	return form, nil
}

// Write writes t in one of Form's forms. notes say where the features come from, for the form that
// has room for them.
func (t *Table) Write(w io.Writer, form string, notes map[string]string) error {
	switch form {
	case "csv":
		return t.writeCSV(w)
	case "npy":
		return t.writeNPY(w)
	}
	return t.writeSafetensors(w, notes)
}

// writeCSV writes a row for each picture: file, label if there are any, and the features
// with as many digits as tell float32 numbers apart.
func (t *Table) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	row := []string{"file"}
	if t.Labels != nil {
		row = append(row, "label")
	}
	for k := range t.Width {
		row = append(row, "f"+strconv.Itoa(k))
	}
	if err := out.Write(row); err != nil {
		return err
	}
	for i, file := range t.Files {
		row = append(row[:0], file)
		if t.Labels != nil {
			row = append(row, t.Labels[i])
		}
		for _, v := range t.Values[i*t.Width : (i+1)*t.Width] {
			row = append(row, strconv.FormatFloat(float64(v), 'g', -1, 32))
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// WriteFiles writes a table of the pictures without their features, for a form that has
// numbers only.
func (t *Table) WriteFiles(w io.Writer) error {
	return (&Table{Files: t.Files, Labels: t.Labels}).writeCSV(w)
}

// writeNPY writes an array of float32 [pictures,features] in NumPy's format, version 1.0
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
func (t *Table) writeNPY(w io.Writer) error {
	const magic, align = "\x93NUMPY\x01\x00", 64
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", len(t.Files), t.Width)
	before := len(magic) + 2 + len(header) + 1 // with the header's length and the line's end
	header += strings.Repeat(" ", (align-before%align)%align) + "\n"
	out := bufio.NewWriter(w)
	_, _ = out.WriteString(magic) // Flush has the error
	_ = binary.Write(out, binary.LittleEndian, uint16(len(header)))
	_, _ = out.WriteString(header)
	_ = binary.Write(out, binary.LittleEndian, t.Values)
	return out.Flush()
}

// writeSafetensors writes the array "features" [pictures,features] and, where there are labels,
// "labels" [pictures], each the index of one in the metadata's vocabulary. The metadata
// has files and vocabulary as lists in JSON, and the notes.
func (t *Table) writeSafetensors(w io.Writer, notes map[string]string) error {
	files, err := json.Marshal(append([]string{}, t.Files...))
	if err != nil {
		return err
	}
	f := &weights.File{Metadata: map[string]string{"files": string(files)},
		Arrays: []weights.Array{{Name: "features", Shape: []int{len(t.Files), t.Width}, F32: t.Values}}}
	for k, v := range notes {
		f.Metadata[k] = v
	}
	if t.Labels != nil {
		vocab := t.Vocab()
		names, err := json.Marshal(vocab)
		if err != nil {
			return err
		}
		classes := make([]int64, len(t.Labels))
		for i, l := range t.Labels {
			at, _ := slices.BinarySearch(vocab, l)
			classes[i] = int64(at)
		}
		f.Metadata["vocabulary"] = string(names)
		f.Arrays = append(f.Arrays, weights.Array{Name: "labels", Shape: []int{len(classes)}, DType: weights.I64, I64: classes})
	}
	return weights.Write(w, f)
}
