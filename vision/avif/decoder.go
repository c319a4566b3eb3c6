package avif

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed" // for the decoder
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// libavif 1.1.1 with libaom 3.10.0, compiled to WebAssembly by github.com/gen2brain/avif v0.4.4; the
// folder has its license texts and how it is built.
//
//go:embed third_party/github.com/gen2brain/avif/decode.wasm.gz
var library []byte

// maxPages bounds the decoder's memory, in pages of 64 KiB: 2 GiB. What would take more is an error.
const maxPages = 2 << 30 >> 16

// compiled is the decoder as machine code, made when the first picture is decoded.
type compiled struct {
	runtime wazero.Runtime
	code    wazero.CompiledModule
}

var compile = sync.OnceValues(func() (*compiled, error) {
	z, err := gzip.NewReader(bytes.NewReader(library))
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	c := &compiled{runtime: wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithMemoryLimitPages(maxPages))}
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, c.runtime); err != nil {
		return nil, err
	}
	c.code, err = c.runtime.CompileModule(ctx, b)
	return c, err
})

// one lets one picture at a time be decoded, so that the memory of a picture is
// not taken once for each loader.
var one sync.Mutex

// pixels are the samples of a picture, R, G, B, A of Depth bits, row by row.
type pixels struct {
	pix           []byte
	width, height int
	deep          bool // 16 bits a sample, the low byte first
}

// run decodes an AVIF file and gives its pixels to use; they are gone when use returns. Whatever goes
// wrong in the decoder ends with its memory: each picture has its own.
func run(file []byte, use func(pixels) error) error {
	one.Lock()
	defer one.Unlock()
	c, err := compile()
	if err != nil {
		return fmt.Errorf("preparing the AVIF decoder: %w", err)
	}
	ctx := context.Background()
	m, err := c.runtime.InstantiateModule(ctx, c.code, wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize"))
	if err != nil {
		return fmt.Errorf("starting the AVIF decoder: %w", err)
	}
	defer m.Close(ctx)
	d := instance{m}
	p, err := d.decode(file)
	if err != nil {
		return err
	}
	return use(p)
}

// instance is a running decoder.
type instance struct{ m api.Module }

// call calls a function of the decoder. A trap is an error; that is how libaom ends when a stream is
// damaged: it was compiled without a way to jump out of a function.
func (d instance) call(name string, args ...uint64) (uint32, error) {
	r, err := d.m.ExportedFunction(name).Call(context.Background(), args...)
	if err != nil {
		why, _, _ := strings.Cut(err.Error(), "\n") // and a stack of numbers
		return 0, fmt.Errorf("the decoder stopped (%s)", why)
	}
	return uint32(r[0]), nil
}

// alloc returns the address of n bytes in the decoder's memory.
func (d instance) alloc(n int) (uint64, error) {
	at, err := d.call("malloc", uint64(n))
	if err == nil && at == 0 {
		err = fmt.Errorf("the decoder has no memory left for %d bytes", n)
	}
	return uint64(at), err
}

// unset is what the time of a frame is before the decoder has written one.
const unset = math.MaxUint64

// decode calls the decoder's one function twice: for the size, and for the pixels.
func (d instance) decode(file []byte) (p pixels, err error) {
	in, err := d.alloc(len(file))
	if err != nil {
		return p, err
	}
	out, err := d.alloc(24) // four numbers and the time
	if err != nil {
		return p, err
	}
	memory := d.m.Memory()
	if !memory.Write(uint32(in), file) || !memory.WriteUint64Le(uint32(out+16), unset) {
		return p, errors.New("the decoder gave memory that it does not have")
	}
	call := func(headOnly, at uint64) error {
		ok, err := d.call("decode", in, uint64(len(file)), headOnly, 0, out, out+4, out+8, out+12, out+16, at)
		if err == nil && ok == 0 {
			err = errors.New("the AV1 stream is damaged")
		}
		return err
	}
	if err := call(1, 0); err != nil {
		return p, err
	}
	w, _ := memory.ReadUint32Le(uint32(out))
	h, _ := memory.ReadUint32Le(uint32(out + 4))
	depth, _ := memory.ReadUint32Le(uint32(out + 8))
	if w < 1 || h < 1 || uint64(w)*uint64(h) > MaxPixels {
		return p, fmt.Errorf("the decoder finds %d×%d pixels", w, h)
	}
	p.width, p.height, p.deep = int(w), int(h), depth > 8
	size := 4 * p.width * p.height
	if p.deep {
		size *= 2
	}
	at, err := d.alloc(size)
	if err != nil {
		return p, err
	}
	if err := call(0, at); err != nil {
		return p, err
	}
	// The decoder says that all is well also when it found no frame that it could decode.
	if time, _ := memory.ReadUint64Le(uint32(out + 16)); time == unset {
		return p, errors.New("the AV1 stream is damaged")
	}
	var ok bool
	if p.pix, ok = memory.Read(uint32(at), uint32(size)); !ok {
		return p, errors.New("the decoder gave memory that it does not have")
	}
	return p, nil
}
