package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/whippet-ml/whippet/internal/pickle"
)

// The format of torch.save before PyTorch 1.6: five pickles, one after the
// other (a magic number, the protocol version 1001, facts about the machine,
// the saved value, the keys of its storages), and then each storage in the
// order of the keys, as its length, a little-endian int64 in elements, and its
// elements. Storages are persistent ids ('storage', class, key, location,
// count, view), where view is None or (key, offset, count) for a window.

// legacyMagic is 0x1950a86a20f9469cfc6c, as pickle writes it.
var legacyMagic = []byte{0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19}

const legacyProtocol = 1001

// legacyPickles is what the pickles of a legacy file say.
type legacyPickles struct {
	saved Saved
	keys  []string
	elems map[string]*element // by storage key
	end   int64               // where the storages begin
}

func readTorchLegacy(r io.ReaderAt, size int64) (*Saved, error) {
	p, err := readLegacyPickles(r, size)
	if err != nil {
		return nil, err
	}
	places, err := p.locate(r, size)
	if err != nil {
		return nil, err
	}
	p.saved.limit = newBudget(size)
	p.saved.open = func(s *storage) (stored, error) {
		at, ok := places[s.key]
		if !ok {
			return at, fmt.Errorf("the file has no storage %s", quote(s.key))
		}
		return at, nil
	}
	return &p.saved, nil
}

// readLegacyPickles reads as much of the file as the pickles turn out to need,
// because nothing says how long they are.
func readLegacyPickles(r io.ReaderAt, size int64) (*legacyPickles, error) {
	for length := int64(256 << 10); ; length *= 4 {
		length = min(length, size, maxPickleBytes)
		buf := make([]byte, length)
		if _, err := io.ReadFull(io.NewSectionReader(r, 0, length), buf); err != nil {
			return nil, fmt.Errorf("reading the first %d bytes: %w", length, err)
		}
		p, err := parseLegacyPickles(buf)
		var cut pickle.Truncated
		if !errors.As(err, &cut) || length == size {
			return p, err
		}
		if length == maxPickleBytes {
			return nil, fmt.Errorf("the pickle has more than %d bytes, too many for a state dict", int64(maxPickleBytes))
		}
	}
}

func parseLegacyPickles(buf []byte) (*legacyPickles, error) {
	p := &legacyPickles{saved: Saved{format: PyTorchLegacy}, elems: map[string]*element{}}
	u := &pickle.Machine{Buf: buf, Found: p.saved.found, Call: callGlobal}

	magic, err := u.Load()
	if err != nil {
		return nil, err
	}
	if n, ok := magic.(pickle.BigInt); !ok || !bytes.Equal(n.Bytes, legacyMagic) {
		if p.saved.refused != nil {
			return nil, p.saved.refused
		}
		return nil, errors.New("this is a Python pickle that torch.save did not write; load it in Python and save it with torch.save or safetensors")
	}
	version, err := u.Load()
	if err != nil {
		return nil, err
	}
	if version != int64(legacyProtocol) {
		return nil, fmt.Errorf("protocol version %v, the only known one is %d", version, legacyProtocol)
	}
	machine, err := u.Load()
	if err != nil {
		return nil, err
	}
	if d, ok := machine.(*pickle.Dict); ok {
		for i, k := range d.Keys {
			if k == "little_endian" && d.Values[i] == false {
				return nil, errors.New("the checkpoint was written on a big-endian machine; only little-endian ones are read")
			}
		}
	}
	u.Persistent = p.storage
	if p.saved.value, err = u.Load(); err != nil {
		return nil, err
	}
	u.Persistent = nil
	keys, err := u.Load()
	if err != nil {
		return nil, err
	}
	l, ok := keys.(*pickle.List)
	if !ok {
		return nil, fmt.Errorf("the keys of the storages are a %s, not a list", pickle.KindOf(keys))
	}
	for _, k := range l.Items {
		s, ok := k.(string)
		if !ok {
			return nil, fmt.Errorf("a storage has a %s as key", pickle.KindOf(k))
		}
		p.keys = append(p.keys, s)
	}
	p.end = int64(u.Pos)
	return p, nil
}

// storage resolves a persistent id. All windows of a storage must agree on its
// class, because its length is counted in elements.
func (p *legacyPickles) storage(id any) (any, error) {
	if t, ok := id.(pickle.Tuple); ok && len(t) > 1 && t[0] == "module" {
		return t[1], nil // a class of modules; its source code follows
	}
	s, rest, err := parseStorage(id)
	if err != nil {
		return nil, err
	}
	if s.elem == nil {
		return nil, errors.New("a storage without element type in a legacy file")
	}
	if e, ok := p.elems[s.key]; ok && e != s.elem {
		return nil, fmt.Errorf("storage %s has the two element types %s and %s", quote(s.key), e.name, s.elem.name)
	}
	p.elems[s.key] = s.elem
	if len(rest) > 0 && rest[0] != nil {
		window, ok := rest[0].(pickle.Tuple)
		if !ok || len(window) != 3 {
			return nil, errors.New("a window of a storage is not (key, offset, count)")
		}
		if s.view, ok = window[1].(int64); !ok || s.view < 0 {
			return nil, errors.New("a window of a storage has an offset that is not an integer from 0 up")
		}
	}
	return s, nil
}

// locate walks over the storages after the pickles.
func (p *legacyPickles) locate(r io.ReaderAt, size int64) (map[string]stored, error) {
	places := make(map[string]stored, len(p.keys))
	at := p.end
	for _, key := range p.keys {
		if _, twice := places[key]; twice {
			return nil, fmt.Errorf("storage %s is stored twice", quote(key))
		}
		elem := p.elems[key]
		if elem == nil {
			return nil, fmt.Errorf("storage %s belongs to no tensor, so its element size is not known", quote(key))
		}
		var b [8]byte
		if size-at < 8 {
			return nil, fmt.Errorf("the file ends before storage %s: it is cut short", quote(key))
		}
		if _, err := io.ReadFull(io.NewSectionReader(r, at, 8), b[:]); err != nil {
			return nil, fmt.Errorf("reading the length of storage %s: %w", quote(key), err)
		}
		at += 8
		count := int64(binary.LittleEndian.Uint64(b[:]))
		if count < 0 || count > (size-at)/int64(elem.size) {
			return nil, fmt.Errorf("storage %s of %d elements does not fit in the %d bytes that are left: the file is cut short or damaged", quote(key), count, size-at)
		}
		bytes := count * int64(elem.size)
		places[key] = stored{r, at, bytes}
		at += bytes
	}
	// Bytes after the last storage are ignored, as PyTorch does: several values
	// may be saved to one file, one after the other.
	return places, nil
}
