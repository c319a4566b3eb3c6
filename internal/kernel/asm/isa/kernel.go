package isa

import (
	"github.com/mmcloughlin/avo/attr"

	. "github.com/mmcloughlin/avo/build"
)

// Kernel begins the kernel name with the given Go signature. doc says what
// it computes, as the rest of a sentence that begins with its name; it stands
// at the kernel's declaration and, with notes, at the head of its assembly.
// notes are pseudo-code of its loop and what the registers hold there.
func Kernel(name, signature, doc string, notes ...string) {
	begin(name, attr.NOSPLIT, signature, doc, notes)
}

// SplitKernel is Kernel for a kernel whose frame is too large for NOSPLIT.
func SplitKernel(name, signature, doc string, notes ...string) {
	begin(name, 0, signature, doc, notes)
}

func begin(name string, attributes attr.Attribute, signature, doc string, notes []string) {
	TEXT(name, attributes, signature)
	Pragma("noescape")
	Doc(name + " " + doc)
	Comment(append([]string{name + " " + doc}, notes...)...)
}
