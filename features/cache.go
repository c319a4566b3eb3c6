package features

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/gofrs/flock"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/preprocess"
)

// cache keeps the features of one body and one way to prepare pictures in a file: after a
// header, a record for each picture, which is its digest, its features (little-endian float32) and
// the CRC-32C of both. Records are only added, by one process at a time; whatever another
// one was killed in is cut off, and a record with a wrong sum is none.
type cache struct{ path string }

// digest is the SHA-256 of a file; the zero digest is of what is no file, which is not kept.
type digest [sha256.Size]byte

const cacheHeader = "whippet features 1\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// newCache returns the cache of c's body in the folder dir.
func newCache(dir string, c *models.Classifier, pre preprocess.Config) *cache {
	h := sha256.New()
	say := func(v any) {
		b, err := json.Marshal(v)
		if err != nil { // of strings and numbers that are finite
			panic(err)
		}
		_, _ = h.Write(append(b, '\n'))
	}
	say([]any{version(), isa.Active().String(), c.Arch.Name, pre})
	for _, a := range nn.State(c.Body).Arrays() {
		say([]any{a.Name, a.Shape})
		_ = a.WriteElements(h) // which never fails
	}
	return &cache{filepath.Join(dir, c.Arch.Name+"-"+hex.EncodeToString(h.Sum(nil)[:12])+".features")}
}

// version says which Whippet this is, as far as the program knows: another one may have
// other last bits.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	v := info.Main.Version
	for _, d := range info.Deps {
		if d.Path == "github.com/whippet-ml/whippet" {
			return d.Version
		}
	}
	for _, s := range info.Settings {
		if strings.HasPrefix(s.Key, "vcs.") {
			v += " " + s.Value
		}
	}
	return v
}

// digests returns the digests of the files of items.
func digests(ctx context.Context, items []data.Item) ([]digest, error) {
	keys := make([]digest, len(items))
	parallel.Each(ctx, len(items), func(i int) {
		f, _, err := files.Open(items[i].Path)
		if err != nil {
			return // no file, or one that the loader will judge
		}
		defer f.Close()
		h := sha256.New()
		if _, err := io.Copy(h, f); err == nil {
			h.Sum(keys[i][:0])
		}
	})
	return keys, ctx.Err()
}

func recordSize(width int) int { return sha256.Size + 4*width + 4 }

// read fills the rows whose keys are in the cache.
func (c *cache) read(keys []digest, width int, rows [][]float32) error {
	f, err := os.Open(c.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("features: the cache: %w", err)
	}
	defer f.Close()
	wanted := make(map[digest][]int, len(keys))
	for i, k := range keys {
		if k != (digest{}) {
			wanted[k] = append(wanted[k], i)
		}
	}
	r := bufio.NewReaderSize(f, 1<<20)
	header := make([]byte, len(cacheHeader))
	if _, err := io.ReadFull(r, header); err != nil || string(header) != cacheHeader {
		return nil // another program's, or cut off; add replaces it
	}
	record := make([]byte, recordSize(width))
	for {
		_, err := io.ReadFull(r, record)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("features: the cache: %w", err)
		}
		these := wanted[digest(record[:sha256.Size])]
		if len(these) == 0 || crc32.Checksum(record[:len(record)-4], castagnoli) != binary.LittleEndian.Uint32(record[len(record)-4:]) {
			continue
		}
		row := make([]float32, width)
		for k := range row {
			row[k] = math.Float32frombits(binary.LittleEndian.Uint32(record[sha256.Size+4*k:]))
		}
		for _, i := range these {
			rows[i] = row
		}
	}
}

// add keeps the rows of the missing items.
func (c *cache) add(keys []digest, missing []int, rows [][]float32) (err error) {
	var b []byte
	added := map[digest]bool{}
	width := 0
	for _, i := range missing {
		if rows[i] == nil || keys[i] == (digest{}) || added[keys[i]] {
			continue
		}
		added[keys[i]] = true
		width = len(rows[i])
		from := len(b)
		b = append(b, keys[i][:]...)
		for _, v := range rows[i] {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[from:], castagnoli))
	}
	if len(b) == 0 {
		return nil
	}
	fail := func(err error) error { return fmt.Errorf("features: writing the cache: %w", err) }
	if err := os.MkdirAll(filepath.Dir(c.path), 0o777); err != nil {
		return fail(err)
	}
	lock := flock.New(c.path + ".lock")
	if err := lock.Lock(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return fail(err)
	}
	defer func() { _ = lock.Unlock() }()
	f, err := os.OpenFile(c.path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return fail(err)
	}
	defer func() {
		if e := f.Close(); err == nil && e != nil {
			err = fail(e)
		}
	}()
	st, err := f.Stat()
	if err != nil {
		return fail(err)
	}
	end := st.Size()
	header := make([]byte, len(cacheHeader))
	if _, rerr := f.ReadAt(header, 0); rerr != nil || string(header) != cacheHeader {
		end = 0
		b = append([]byte(cacheHeader), b...)
	} else {
		end -= (end - int64(len(cacheHeader))) % int64(recordSize(width))
	}
	if err := f.Truncate(end); err != nil {
		return fail(err)
	}
	if _, err := f.WriteAt(b, end); err != nil {
		_ = f.Truncate(end) // what there is room for stays whole
		return fail(err)
	}
	return nil
}
