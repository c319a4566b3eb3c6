package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// transform makes kernels for one vector of channels: a block of 16 channels is
// one vector of AVX-512 and two of AVX2, where a transform has more values than
// there are registers and the ones between its two passes wait on the stack.
type transform struct {
	*isa.Set
	stack Mem // 36 vectors, unless Wide
	next  int // the next free of them
}

// halves returns how many vectors make a block of 16 channels.
func (v *transform) halves() int { return 64 / v.Bytes }

// function begins a kernel.
func (v *transform) function(name, signature, doc string, notes ...string) {
	if v.Wide {
		isa.Kernel(name+v.Name, signature, doc, notes...)
		return
	}
	isa.SplitKernel(name+v.Name, signature, doc, notes...)
	v.stack = AllocLocal(36 * v.Bytes)
}

// load returns the vector at m.
func (v *transform) load(m Op) reg.VecVirtual { return v.Load(m, nil) }

// value is something between the two passes: in a register, or on the stack.
type value struct {
	r reg.VecVirtual
	m Mem
}

// keep puts r aside; r must not be written afterwards.
func (v *transform) keep(r reg.VecVirtual) value {
	if v.Wide {
		return value{r: r}
	}
	m := v.stack.Offset(v.next * v.Bytes)
	v.next++
	VMOVUPS(r, m)
	return value{m: m}
}

// take returns a kept value in a register that the caller may write. It is
// taken once.
func (v *transform) take(x value) reg.VecVirtual {
	if v.Wide {
		return x.r
	}
	return v.load(x.m)
}

// release forgets all kept values.
func (v *transform) release() { v.next = 0 }
