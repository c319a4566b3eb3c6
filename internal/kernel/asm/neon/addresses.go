package neon

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// address is a base register with an index times a scale, which arm64 cannot
// read from together with a displacement: the sum is made once in a basic block.
type address struct{ base, index, scale int }

// forget forgets what is known in a basic block.
func (t *translation) forget() {
	clear(t.addresses)
	t.recent = t.recent[:0]
	clear(t.masks)
}

// changed forgets the addresses that general register r is part of.
func (t *translation) changed(r int) {
	kept := t.recent[:0]
	for _, a := range t.recent {
		if a.base == r || a.index == r {
			delete(t.addresses, a)
		} else {
			kept = append(kept, a)
		}
	}
	t.recent = kept
}

// place returns the register and the displacement that together are m.
func (t *translation) place(m operand.Mem) (base, disp int) {
	if m.Base == reg.StaticBase {
		c, ok := t.constants.at[m.Symbol.Name]
		if !ok {
			t.fail("there is no constant %s", m.Symbol)
		}
		return constantsReg, c.offset + m.Disp
	}
	if m.Base == reg.StackPointer {
		return localsReg, m.Disp
	}
	base = general64(m.Base)
	if m.Index == nil {
		return base, m.Disp
	}
	a := address{base, general64(m.Index), int(m.Scale)}
	r, ok := t.addresses[a]
	if !ok {
		r = t.addressReg()
		t.line("ADD %s, R%d, R%d", scaled(a.index, a.scale), a.base, r)
		t.addresses[a] = r
		t.recent = append(t.recent, a)
	}
	return r, m.Disp
}

// addressReg returns a register for an address, if need be that of the oldest.
func (t *translation) addressReg() int {
	used := map[int]bool{}
	for _, r := range t.addresses {
		used[r] = true
	}
	for _, r := range addressRegs {
		if !used[r] && (r != localsReg || t.locals == 0) {
			return r
		}
	}
	oldest := t.recent[0]
	r := t.addresses[oldest]
	delete(t.addresses, oldest)
	t.recent = t.recent[1:]
	return r
}

// scaled is a general register times a scale as an operand of ADD.
func scaled(r, scale int) string {
	switch scale {
	case 0, 1:
		return fmt.Sprintf("R%d", r)
	case 2:
		return fmt.Sprintf("R%d<<1", r)
	case 4:
		return fmt.Sprintf("R%d<<2", r)
	}
	return fmt.Sprintf("R%d<<3", r)
}

// pointer returns a register that holds the address m itself.
func (t *translation) pointer(m operand.Mem) int { return t.pointerTo(t.place(m)) }

// pointerTo returns a register that holds base+disp, base itself or one that the next
// instruction may overwrite.
func (t *translation) pointerTo(base, disp int) int {
	if disp == 0 {
		return base
	}
	t.addTo(disp, base, scratchReg2)
	return scratchReg2
}

// addTo writes to = from + n.
func (t *translation) addTo(n, from, to int) {
	s := ""
	if t.flags {
		s = "S"
	}
	if n < 0 {
		t.line("SUB%s $%d, R%d, R%d", s, -n, from, to)
	} else {
		t.line("ADD%s $%d, R%d, R%d", s, n, from, to)
	}
}

// at writes an operand of general loads and stores, which take size bytes.
func (t *translation) at(m operand.Mem, size int) string {
	if m.Base == reg.FramePointer {
		return fmt.Sprintf("%s+%d(FP)", m.Symbol.Name, m.Disp)
	}
	base, disp := t.place(m)
	if disp >= -256 && disp <= 255 || disp > 0 && disp%size == 0 && disp < 4096*size {
		return fmt.Sprintf("%d(R%d)", disp, base)
	}
	return fmt.Sprintf("(R%d)", t.pointerTo(base, disp))
}

// displaced writes a register with a displacement.
func displaced(disp, base int) string {
	if disp == 0 {
		return fmt.Sprintf("(R%d)", base)
	}
	return fmt.Sprintf("%d(R%d)", disp, base)
}
