package neon

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log"
	"strings"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
)

// Assembly is the text of an assembly file with f's functions, which avo's
// Compile has been over, and their constants; header stands at its beginning.
func Assembly(f *ir.File, header string) string {
	var text strings.Builder
	text.WriteString(header)
	text.WriteString("\n#include \"textflag.h\"\n")
	c := constants{at: map[string]constant{}}
	for _, s := range f.Sections {
		if g, ok := s.(*ir.Global); ok {
			c.add(g)
		}
	}
	for _, fn := range f.Functions() {
		t := &translation{name: fn.Name, constants: &c, addresses: map[address]int{}, masks: map[int]bool{}}
		t.function(fn)
		text.WriteString(t.text.String())
	}
	text.WriteString(c.data())
	return text.String()
}

// constants are the constants of a file, in one table that a register points to.
type constants struct {
	at    map[string]constant
	bytes []byte
}

// constant is where a constant stands, and whether its second half is as the
// first, which then is not there.
type constant struct {
	offset int
	equal  bool
}

const constantsName = "constants<>(SB)"

// add appends a global, of 32 bytes or a multiple.
func (c *constants) add(g *ir.Global) {
	b := make([]byte, g.Size)
	for _, d := range g.Data {
		switch v := d.Value.(type) {
		case operand.U32:
			binary.LittleEndian.PutUint32(b[d.Offset:], uint32(v))
		case operand.U64:
			binary.LittleEndian.PutUint64(b[d.Offset:], uint64(v))
		default:
			log.Fatalf("neon: constant %s has data of type %T", g.Symbol, v)
		}
	}
	at := constant{offset: len(c.bytes)}
	if len(b) == 32 && bytes.Equal(b[:16], b[16:]) {
		at.equal, b = true, b[:16]
	}
	c.at[g.Symbol.Name] = at
	c.bytes = append(c.bytes, b...)
}

// own returns where a table of eight words of this package's own stands, which is
// added when it is used first.
func (c *constants) own(name string, word func(i int) uint32) int {
	if at, ok := c.at[name]; ok {
		return at.offset
	}
	at := constant{offset: len(c.bytes)}
	for i := range 8 {
		c.bytes = binary.LittleEndian.AppendUint32(c.bytes, word(i))
	}
	c.at[name] = at
	return at.offset
}

// laneBits has bit i in word i, laneNumbers i.
func (c *constants) laneBits() int {
	return c.own("bits of lanes", func(i int) uint32 { return 1 << i })
}

func (c *constants) laneNumbers() int {
	return c.own("numbers of lanes", func(i int) uint32 { return uint32(i) })
}

// data declares the table.
func (c *constants) data() string {
	if len(c.bytes) == 0 {
		return ""
	}
	var s strings.Builder
	s.WriteString("\n")
	for i := 0; i < len(c.bytes); i += 8 {
		fmt.Fprintf(&s, "DATA constants<>+%d(SB)/8, $0x%016x\n", i, binary.LittleEndian.Uint64(c.bytes[i:]))
	}
	fmt.Fprintf(&s, "GLOBL constants<>(SB), RODATA|NOPTR, $%d\n", len(c.bytes))
	return s.String()
}
