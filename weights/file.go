package weights

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/internal/pickle"
)

// Format is a format of weight files.
type Format string

// The formats that Read understands.
const (
	SafeTensors   Format = "safetensors"
	PyTorchZip    Format = "PyTorch zip"    // torch.save of PyTorch 1.6 and later
	PyTorchLegacy Format = "PyTorch legacy" // torch.save before 1.6
)

// File is the content of a weight file: named arrays in the order of the file,
// with unique names, and strings that describe them (safetensors' metadata;
// nil for PyTorch files).
type File struct {
	Format   Format
	Arrays   []Array
	Metadata map[string]string
}

// Get returns the array called name, or nil. It searches linearly; to look up
// many, range over Arrays once.
func (f *File) Get(name string) *Array {
	for i := range f.Arrays {
		if f.Arrays[i].Name == name {
			return &f.Arrays[i]
		}
	}
	return nil
}

// TrimWrappers removes from all names the prefixes that wrappers of PyTorch
// leave in a state dict, "module." (DataParallel) and "_orig_mod."
// (torch.compile), as long as every name has them, and returns what was
// removed. Read does it for PyTorch files; names in safetensors files are kept
// unless the caller asks.
func (f *File) TrimWrappers() string {
	removed := ""
	for {
		prefix := commonWrapper(f.Arrays)
		if prefix == "" {
			return removed
		}
		for i := range f.Arrays {
			f.Arrays[i].Name = strings.TrimPrefix(f.Arrays[i].Name, prefix)
		}
		removed += prefix
	}
}

func commonWrapper(arrays []Array) string {
	for _, prefix := range []string{"module.", "_orig_mod."} {
		all := len(arrays) > 0
		for i := range arrays {
			all = all && strings.HasPrefix(arrays[i].Name, prefix)
		}
		if all {
			return prefix
		}
	}
	return ""
}

// Load reads the weight file at path; see Read. Errors name the path.
func Load(path string) (*File, error) {
	f, size, err := files.Open(path)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	defer f.Close()
	file, err := read(f, size)
	if err != nil {
		return nil, fmt.Errorf("weights: %s: %w", path, err)
	}
	return file, nil
}

// Read reads a weight file of size bytes from r, for example a bytes.Reader on
// a file that go:embed has put into the program. The format is told by the
// content: safetensors, or what PyTorch's torch.save wrote, in which the state
// dict may be nested under a usual key such as "state_dict" or "model" (see
// Format), and a whole network (torch.save(model), fastai's learner.export) may
// have its place. Arrays of any strides are returned dense and row-major.
//
// The memory taken is bounded by a small multiple of size, whatever the file
// says about itself.
func Read(r io.ReaderAt, size int64) (*File, error) {
	file, err := read(r, size)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	return file, nil
}

func read(r io.ReaderAt, size int64) (*File, error) {
	head, err := readHead(r, size)
	if err != nil {
		return nil, err
	}
	switch formatOf(head) {
	case SafeTensors:
		return readSafeTensors(r, size)
	case PyTorchZip, PyTorchLegacy:
		s, err := readSaved(r, size)
		if err != nil {
			return nil, err
		}
		return s.state()
	}
	return nil, errors.New(describe(head, size))
}

// readHead reads as much as tells the format.
func readHead(r io.ReaderAt, size int64) ([]byte, error) {
	head := make([]byte, max(0, min(size, 512)))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("reading the first %d bytes: %w", len(head), err)
	}
	return head, nil
}

// formatOf tells the format by the beginning of a file; "" for none that is read.
func formatOf(head []byte) Format {
	switch {
	case len(head) >= 4 && string(head[:4]) == "PK\x03\x04":
		return PyTorchZip
	case len(head) >= 9 && head[8] == '{':
		return SafeTensors
	case len(head) >= 2 && head[0] == 0x80 && head[1] <= pickle.MaxProtocol:
		return PyTorchLegacy
	}
	return ""
}

// describe says what a file that is not ours seems to be, because a failed
// download is the usual reason.
func describe(head []byte, size int64) string {
	text := strings.ToLower(strings.TrimSpace(string(head)))
	has := func(prefix string) bool { return strings.HasPrefix(string(head), prefix) }
	const formats = "; the formats read are safetensors and PyTorch's .pth"
	switch {
	case size == 0:
		return "the file is empty; download or save it again"
	case size < 9:
		return fmt.Sprintf("the file has only %d bytes; download or save it again", size)
	case strings.HasPrefix(text, "<!doctype") || strings.HasPrefix(text, "<html"):
		return "this is a web page, not weights: the download went wrong; download it again"
	case has("version https://git-lfs"):
		return "this is a Git LFS pointer, not the weights themselves; run git lfs pull"
	case has("\x89HDF"):
		return "this is an HDF5 file (Keras)" + formats
	case has("\x1f\x8b"):
		return "this is a gzip file; unpack it first"
	case has("\x93NUMPY"):
		return "this is a NumPy array" + formats
	case has("GGUF"):
		return "this is a GGUF file" + formats
	case len(head) >= 262 && string(head[257:262]) == "ustar":
		return "this is a tar file: unpack it, or, if PyTorch before 0.1.10 wrote it, load it there and save it again"
	}
	return "unknown format" + formats
}
