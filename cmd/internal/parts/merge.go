package parts

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/internal/files"
)

// Merged says what Merge joined.
type Merged struct {
	Parts, Done, Failed int
	Command             string   // predict or verify
	Sets                []string // instruction sets that the parts were computed with
}

// numbers are those of a part in the name of its result.
var numbers = regexp.MustCompile(`^\d+-of-\d+$`)

// Find lists the results of the parts whose whole is called out, in the same
// folder.
func Find(out string) ([]string, error) {
	dir, ext := filepath.Dir(out), filepath.Ext(out)
	begin := strings.TrimSuffix(filepath.Base(out), ext) + mark
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, e := range entries {
		if middle, ok := strings.CutPrefix(e.Name(), begin); ok && strings.HasSuffix(middle, ext) && numbers.MatchString(strings.TrimSuffix(middle, ext)) {
			found = append(found, filepath.Join(dir, e.Name()))
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("there is no file %s*%s in %s: give the parts' files, or the name of which --out made theirs", begin, ext, dir)
	}
	return found, nil
}

// Merge joins the results of all parts of a run to what one run without parts
// writes, as out. It returns an error that names the parts or files at fault when
// one is missing, there twice, changed, or of another run; then out is left as it was.
func Merge(out string, results []string) (Merged, error) {
	var m Merged
	byPart, records, err := collect(results)
	if err != nil {
		return m, err
	}
	first := records[0]
	if slices.ContainsFunc(byPart, func(f string) bool { return sameFile(f, out) }) {
		return m, fmt.Errorf("%s is one of the parts: give the whole another name", out)
	}
	m.Parts, m.Command = first.Of, first.Command
	for _, r := range records {
		m.Done += r.Done
		m.Failed += r.Failed
		if !slices.Contains(m.Sets, r.Set) {
			m.Sets = append(m.Sets, r.Set)
		}
	}
	slices.Sort(m.Sets)
	return m, files.WriteFile(out, func(w io.Writer) error {
		for k, f := range byPart {
			if err := appendResult(w, f, records[k], first.Form == "csv" && k > 0); err != nil {
				return err
			}
		}
		return nil
	})
}

// collect reads the records of results and puts them in order.
func collect(results []string) (byPart []string, records []Record, err error) {
	if len(results) == 0 {
		return nil, nil, errors.New("there are no parts to join")
	}
	for k, f := range results {
		r, err := readRecord(f)
		if err != nil {
			return nil, nil, err
		}
		if k == 0 {
			byPart, records = make([]string, r.Of), make([]Record, r.Of)
		}
		if r.Of != len(byPart) {
			return nil, nil, fmt.Errorf("%s is %s, and %s one of %d: they are not of the same run", f, r.Part, results[0], len(byPart))
		}
		if from, to := r.Range(r.Files, r.Unit); r.Done+r.Failed != to-from {
			return nil, nil, fmt.Errorf("the record of %s has results of %d files, and the part has %d: run it again", f, r.Done+r.Failed, to-from)
		}
		at := r.Index - 1
		if byPart[at] != "" {
			return nil, nil, fmt.Errorf("%s and %s are both %s: give one of them", byPart[at], f, r.Part)
		}
		byPart[at], records[at] = f, r
	}
	if missing := absent(byPart); missing != "" {
		return nil, nil, fmt.Errorf("of %d parts there is no result of %s: run them again with --part I/%d", len(byPart), missing, len(byPart))
	}
	for k, r := range records[1:] {
		if d := records[0].differs(r.Run); d != "" {
			return nil, nil, fmt.Errorf("%s is not of the same run as %s: %s", byPart[k+1], byPart[0], d)
		}
	}
	return byPart, records, nil
}

// absent lists the parts that have no result, in ranges.
func absent(byPart []string) string {
	var s []string
	for i := 0; i < len(byPart); i++ {
		if byPart[i] != "" {
			continue
		}
		from := i
		for i+1 < len(byPart) && byPart[i+1] == "" {
			i++
		}
		if from == i {
			s = append(s, fmt.Sprint(i+1))
		} else {
			s = append(s, fmt.Sprintf("%d-%d", from+1, i+1))
		}
	}
	if len(s) > 20 {
		s = append(s[:20], "…")
	}
	return strings.Join(s, ", ")
}

// appendResult appends a part's result to w, without its first line if headless.
func appendResult(w io.Writer, file string, r Record, headless bool) error {
	f, size, err := files.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s has a record and is not there: run %s again", file, r.Part)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	in := bufio.NewReaderSize(io.TeeReader(f, h), 1<<18)
	if headless {
		if _, err := in.ReadSlice('\n'); err != nil {
			return fmt.Errorf("%s has no header", file)
		}
	}
	if _, err := io.Copy(w, in); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if size != r.Bytes || hex.EncodeToString(h.Sum(nil)) != r.SHA256 {
		return fmt.Errorf("%s has changed since %s was written: run the part again", file, r.Part)
	}
	return nil
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}
