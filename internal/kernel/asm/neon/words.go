package neon

import (
	"fmt"
	"log"
	"strings"
)

// words are the instructions that Go 1.26's assembler lacks: the bits that are
// theirs, and how GNU's assembler writes them, where D is the result's register, N
// and M those it is made from.
var words = map[string]struct {
	bits uint32
	text string
}{
	"add floats":      {0x4e20d400, "fadd D.4s, N.4s, M.4s"},
	"subtract floats": {0x4ea0d400, "fsub D.4s, N.4s, M.4s"},
	"multiply floats": {0x6e20dc00, "fmul D.4s, N.4s, M.4s"},
	"divide floats":   {0x6e20fc00, "fdiv D.4s, N.4s, M.4s"},
	"square root":     {0x6ea1f800, "fsqrt D.4s, N.4s"},
	"greater floats":  {0x6ea0e400, "fcmgt D.4s, N.4s, M.4s"},
	"equal floats":    {0x4e20e400, "fcmeq D.4s, N.4s, M.4s"},
	"to floats":       {0x4e21d800, "scvtf D.4s, N.4s"},
	"to integers":     {0x4ea1b800, "fcvtzs D.4s, N.4s"},

	"fused by element": {0x4f801000, "fmla D.4s, N.4s, M.s[0]"},

	"add doubles":      {0x4e60d400, "fadd D.2d, N.2d, M.2d"},
	"multiply doubles": {0x6e60dc00, "fmul D.2d, N.2d, M.2d"},
	"divide doubles":   {0x6e60fc00, "fdiv D.2d, N.2d, M.2d"},
	"equal doubles":    {0x4e60e400, "fcmeq D.2d, N.2d, M.2d"},
	"to long integers": {0x4ee1b800, "fcvtzs D.2d, N.2d"},

	"multiply":         {0x4ea09c00, "mul D.4s, N.4s, M.4s"},
	"maximum":          {0x4ea06400, "smax D.4s, N.4s, M.4s"},
	"minimum":          {0x4ea06c00, "smin D.4s, N.4s, M.4s"},
	"unsigned minimum": {0x6ea06c00, "umin D.4s, N.4s, M.4s"},
	"greater":          {0x4ea03400, "cmgt D.4s, N.4s, M.4s"},
	"negative":         {0x4ea0a800, "cmlt D.4s, N.4s, #0"},
	"products of low":  {0x0e60c000, "smull D.4s, N.4h, M.4h"},
	"products of high": {0x4e60c000, "smull2 D.4s, N.8h, M.8h"},

	"not":    {0x6e205800, "mvn D.16b, N.16b"},
	"or not": {0x4ee01c00, "orn D.16b, N.16b, M.16b"},

	// Halves as wide, held to what they can be; the second of a name fills the
	// upper half of D.
	"narrow":                {0x0e614800, "sqxtn D.4h, N.4s"},
	"narrow upper":          {0x4e614800, "sqxtn2 D.8h, N.4s"},
	"narrow unsigned":       {0x2e612800, "sqxtun D.4h, N.4s"},
	"narrow unsigned upper": {0x6e612800, "sqxtun2 D.8h, N.4s"},
	"narrow bytes":          {0x2e212800, "sqxtun D.8b, N.8h"},
	"narrow bytes upper":    {0x6e212800, "sqxtun2 D.16b, N.8h"},
	"narrow longs":          {0x0ea14800, "sqxtn D.2s, N.2d"},
	"narrow longs upper":    {0x4ea14800, "sqxtn2 D.4s, N.2d"},
}

// word writes an instruction that the assembler lacks; m is 0 for one with a
// single source.
func (t *translation) word(name string, d, n, m int) {
	w, ok := words[name]
	if !ok {
		log.Fatalf("neon: there is no instruction %q", name)
	}
	v := func(r int) string { return fmt.Sprintf("v%d", r) }
	text := strings.NewReplacer("D", v(d), "N", v(n), "M", v(m)).Replace(w.text)
	t.line("WORD $0x%08x // %s", w.bits|uint32(m)<<16|uint32(n)<<5|uint32(d), text)
}

// shiftRight writes a shift by n bits that keeps the sign.
func (t *translation) shiftRight(n, d, s int) {
	t.line("WORD $0x%08x // sshr v%d.4s, v%d.4s, #%d", 0x4f000400|uint32(64-n)<<16|uint32(s)<<5|uint32(d), d, s, n)
}
