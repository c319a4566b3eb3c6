package weights

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/whippet-ml/whippet/internal/pickle"
)

// The zip format of torch.save (PyTorch 1.6 and later): NAME/data.pkl is a
// pickle of the saved value in which each storage is a persistent id
// ('storage', class, key, location, count), and NAME/data/KEY has its bytes.
// PyTorch stores without compression, so that storages are read in place. Their
// CRC-32 is not looked at: PyTorch does not either, and can be told to write
// wrong ones. VerifyHashInName is the check for published files.

// maxPickleBytes bounds data.pkl; that of a ResNet-152 has 0.2 MB.
const maxPickleBytes = 32 << 20

// torchZip is an open checkpoint.
type torchZip struct {
	r       io.ReaderAt
	size    int64
	limit   *budget
	entries map[string]*zip.File
	root    string            // "NAME/"
	opened  map[string]stored // by storage key
}

func readTorchZip(r io.ReaderAt, size int64) (*Saved, error) {
	// Names in the archive are only compared, never used as paths, so an
	// "insecure" one does no harm.
	archive, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("the zip archive is damaged or cut short: %w", err)
	}
	z := &torchZip{r: r, size: size, limit: newBudget(size), entries: map[string]*zip.File{}, opened: map[string]stored{}}
	root := ""
	for _, e := range archive.File {
		if z.entries[e.Name] != nil {
			return nil, fmt.Errorf("the zip archive has two entries called %s", quote(e.Name))
		}
		z.entries[e.Name] = e
		if e.Name == "data.pkl" || strings.HasSuffix(e.Name, "/data.pkl") && strings.Count(e.Name, "/") == 1 {
			if root != "" {
				return nil, errors.New("the zip archive has two pickles called data.pkl")
			}
			root = e.Name
		}
	}
	if root == "" {
		return nil, errors.New("this zip archive has no data.pkl: it is not a PyTorch checkpoint")
	}
	z.root = strings.TrimSuffix(root, "data.pkl")
	if err := z.checkByteOrder(); err != nil {
		return nil, err
	}
	b, err := z.bytes(z.entries[root], maxPickleBytes)
	if err != nil {
		return nil, err
	}
	s := &Saved{format: PyTorchZip, limit: z.limit, open: z.open}
	u := &pickle.Machine{Buf: b, Found: s.found, Call: callGlobal, Persistent: zipStorage}
	if s.value, err = u.Load(); err != nil {
		return nil, err
	}
	return s, nil
}

// checkByteOrder reads NAME/byteorder, which PyTorch 2.1 and later write.
func (z *torchZip) checkByteOrder() error {
	e := z.entries[z.root+"byteorder"]
	if e == nil {
		return nil
	}
	b, err := z.bytes(e, 100)
	if err == nil && string(b) != "little" {
		err = fmt.Errorf("its byte order is %s, only little-endian checkpoints are read", quote(string(b)))
	}
	return err
}

// locate finds the bytes of an entry, in the file or, when the archive has
// been compressed by another program, unpacked in memory.
func (z *torchZip) locate(e *zip.File) (stored, error) {
	declared := e.UncompressedSize64
	if e.Flags&1 != 0 {
		return stored{}, fmt.Errorf("zip entry %s is encrypted", quote(e.Name))
	}
	switch e.Method {
	case zip.Store:
		base, err := e.DataOffset()
		if err != nil {
			return stored{}, fmt.Errorf("zip entry %s: %w", quote(e.Name), err)
		}
		if e.CompressedSize64 != declared || base < 0 || base > z.size || declared > uint64(z.size-base) {
			return stored{}, fmt.Errorf("zip entry %s of %d bytes does not fit in the file: it is cut short or damaged", quote(e.Name), declared)
		}
		return stored{z.r, base, int64(declared)}, nil
	case zip.Deflate:
		if declared > 1<<62 {
			declared = 1 << 62
		}
		if err := z.limit.take(int64(declared), 1); err != nil {
			return stored{}, fmt.Errorf("zip entry %s: %w", quote(e.Name), err)
		}
		in, err := e.Open()
		if err != nil {
			return stored{}, fmt.Errorf("zip entry %s: %w", quote(e.Name), err)
		}
		defer in.Close()
		// The buffer grows with what really arrives.
		b, err := io.ReadAll(io.LimitReader(in, int64(declared)+1))
		if err == nil && uint64(len(b)) != declared {
			err = zip.ErrFormat
		}
		if err != nil {
			return stored{}, fmt.Errorf("unpacking zip entry %s: %w", quote(e.Name), err)
		}
		return stored{bytes.NewReader(b), 0, int64(len(b))}, nil
	}
	return stored{}, fmt.Errorf("zip entry %s uses compression method %d; only stored and deflated entries are read", quote(e.Name), e.Method)
}

// bytes reads a whole entry of at most limit bytes.
func (z *torchZip) bytes(e *zip.File, limit uint64) ([]byte, error) {
	if e.UncompressedSize64 > limit {
		return nil, fmt.Errorf("zip entry %s has %d bytes, the limit is %d", quote(e.Name), e.UncompressedSize64, limit)
	}
	s, err := z.locate(e)
	if err != nil {
		return nil, err
	}
	b := make([]byte, s.size)
	if _, err := io.ReadFull(io.NewSectionReader(s.r, s.base, s.size), b); err != nil {
		return nil, fmt.Errorf("reading zip entry %s: %w", quote(e.Name), err)
	}
	return b, nil
}

// open finds the bytes of a storage, once for all tensors that share it.
func (z *torchZip) open(s *storage) (stored, error) {
	if at, ok := z.opened[s.key]; ok {
		return at, nil
	}
	e := z.entries[z.root+"data/"+s.key]
	if e == nil {
		return stored{}, fmt.Errorf("the archive has no storage %s", quote(s.key))
	}
	at, err := z.locate(e)
	if err == nil {
		z.opened[s.key] = at
	}
	return at, err
}

// zipStorage resolves a persistent id.
func zipStorage(id any) (any, error) {
	s, _, err := parseStorage(id)
	return s, err
}

// parseStorage reads ('storage', class, key, location, count, ...) and returns
// the rest too. The location ("cpu", "cuda:0") does not matter; the count is
// not needed, because the size of what is stored is what bounds it.
func parseStorage(id any) (*storage, pickle.Tuple, error) {
	t, ok := id.(pickle.Tuple)
	if !ok || len(t) < 5 || t[0] != "storage" {
		return nil, nil, errors.New("a persistent id is not that of a storage")
	}
	class, ok := t[1].(pickle.Global)
	r, known := globals[global(class)]
	if !ok || !known || r.kind != roleStorage {
		return nil, nil, fmt.Errorf("a storage has the class %s", pickle.KindOf(t[1]))
	}
	key, ok := t[2].(string)
	if !ok {
		return nil, nil, fmt.Errorf("a storage has a %s as key", pickle.KindOf(t[2]))
	}
	return &storage{key: key, elem: r.elem}, t[5:], nil
}
