package isa

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"log"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/mmcloughlin/avo/build"
)

// stubName begins the ends of the names of the files of declarations, which are
// empty while they are being generated.
const stubName = "_stubs_"

// Source is the Go package that a file of assembly belongs to, as far as
// kernels need it: argument structures and constants.
type Source struct {
	dir   string
	types *types.Package
}

// Open reads the Go package in folder dir as it is for the architecture that is
// generated for, without the bodies of its functions and without what it imports. That it calls kernels which are still to be
// generated does no harm, which is why avo's own Package does not serve.
func Open(dir string) *Source {
	files := build.Default
	files.GOOS, files.GOARCH, files.CgoEnabled = "linux", arch(), false
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		log.Fatal(err)
	}
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, stubName+arch()+".go") {
			continue
		}
		if match, err := files.MatchFile(dir, filepath.Base(name)); err != nil {
			log.Fatal(err)
		} else if !match {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			log.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	check := types.Config{
		Sizes:            gotypes.Sizes,
		IgnoreFuncBodies: true,
		Importer:         noImports{},
		Error:            func(error) {}, // of what is imported or not yet there
	}
	p, _ := check.Check(dir, fset, parsed, nil)
	return &Source{dir: dir, types: p}
}

// noImports imports nothing.
type noImports struct{}

func (noImports) Import(path string) (*types.Package, error) { return nil, errors.New("not imported") }

// Args makes the package's structure types of these names known, so that the
// signatures of kernels can name them.
func (p *Source) Args(names ...string) {
	for _, name := range names {
		p.ArgsAs(name, name)
	}
}

// ArgsAs is Args for the type name, which the package that the kernels are for
// calls alias.
func (p *Source) ArgsAs(name, alias string) {
	obj, ok := p.types.Scope().Lookup(name).(*types.TypeName)
	if !ok {
		log.Fatalf("%s: there is no type %s, which kernels take as an argument", p.dir, name)
	}
	s, ok := obj.Type().Underlying().(*types.Struct)
	if !ok {
		log.Fatalf("%s: %s is no structure, so kernels cannot find its fields", p.dir, name)
	}
	for i := range s.NumFields() {
		if !known(s.Field(i).Type()) {
			log.Fatalf("%s: %s.%s has a type of another package, whose size the generator does not know", p.dir, name, s.Field(i).Name())
		}
	}
	rely(alias, s)
	// avo evaluates signatures among Go's predeclared names.
	types.Universe.Insert(types.NewNamed(types.NewTypeName(token.NoPos, nil, alias, nil), s, nil).Obj())
}

// known reports whether the size of t is known.
func known(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Kind() != types.Invalid
	case *types.Array:
		return known(u.Elem())
	case *types.Struct:
		for i := range u.NumFields() {
			if !known(u.Field(i).Type()) {
				return false
			}
		}
	}
	return true
}

// Const is the value of the package's integer constant name.
func (p *Source) Const(name string) int {
	c, ok := p.types.Scope().Lookup(name).(*types.Const)
	if !ok {
		log.Fatalf("%s: there is no constant %s, which kernels use", p.dir, name)
	}
	v, exact := constant.Int64Val(constant.ToInt(c.Val()))
	if !exact {
		log.Fatalf("%s: %s is not an integer", p.dir, name)
	}
	if !slices.Contains(layout, fact{name, v}) {
		layout = append(layout, fact{name, v})
	}
	return int(v)
}

// Float is the value of the package's constant name, rounded to float32.
func (p *Source) Float(name string) float32 {
	c, ok := p.types.Scope().Lookup(name).(*types.Const)
	if !ok {
		log.Fatalf("%s: there is no constant %s, which kernels use", p.dir, name)
	}
	x := constant.ToFloat(c.Val())
	if x.Kind() != constant.Float {
		log.Fatalf("%s: %s is no number that is known without the package's imports", p.dir, name)
	}
	f, _ := constant.Float32Val(x)
	return f
}

// Args is an argument structure: what the pointer param of the kernel points to.
type Args struct {
	Reg    reg.Register // holds the pointer
	param  string
	fields gotypes.Component
}

// Deref loads the kernel's parameter param, a pointer to a structure, into r.
func Deref(param string, r reg.Register) Args {
	p := Param(param)
	Load(p, r)
	return Args{Reg: r, param: param, fields: p.Dereference(r)}
}

// Field is the address of a field, whose offset comes from the Go structure.
func (a Args) Field(name string) operand.Mem { return a.at(name, a.fields.Field(name)) }

// Elem is the address of an element of the field name, an array, or one of
// arrays, with an index for each.
func (a Args) Elem(name string, index ...int) operand.Mem {
	c := a.fields.Field(name)
	for _, i := range index {
		c = c.Index(i)
		name += fmt.Sprintf("[%d]", i)
	}
	return a.at(name, c)
}

func (a Args) at(name string, c gotypes.Component) operand.Mem {
	b, err := c.Resolve()
	if err != nil {
		log.Fatalf("argument %s of a kernel, field %s: %v", a.param, name, err)
	}
	return b.Addr
}
