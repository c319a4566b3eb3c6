package op_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/rng"
)

// tables are the cases of every operation; each is run by the test beside it.
var tables = [][]optest.Case{
	activationCases, addCases, avgPoolCases, blurPoolCases, branchesCases, channelsCases, concatCases, concatPoolCases, convCases, convStemCases, dropoutCases,
	depthwiseCases, globalPoolCases, groupedConvCases, interleaveCases, linearCases, maxPoolCases, normCases, normStemCases, scaleChannelsCases,
	attentionCases, firstTokenCases, grnCases, layerNormCases, layerScaleCases, tokensCases, voteCases,
}

// TestEveryOperationHasCases fails for an operation that is in no table.
func TestEveryOperationHasCases(t *testing.T) {
	tested := map[string]bool{}
	for _, table := range tables {
		for _, c := range table {
			o, _ := c.Op(rng.New(1))
			tested[reflect.Indirect(reflect.ValueOf(o)).Type().Name()] = true
		}
	}
	for _, name := range operationTypes(t) {
		if !tested[name] {
			t.Errorf("the operation %s has no case", name)
		}
	}
}

// TestEveryRewriteHasCases fails for a rewrite that no graph of rewriteCases
// applies, in each of the uses that it serves.
func TestEveryRewriteHasCases(t *testing.T) {
	training, inference := map[string]bool{}, map[string]bool{}
	for _, c := range rewriteCases {
		for _, name := range c.Training {
			training[name] = true
		}
		for _, name := range c.Inference {
			inference[name] = true
		}
	}
	found := 0
	for _, table := range tables {
		o, _ := table[0].Op(rng.New(1))
		r, ok := o.(graph.Rewriter)
		if !ok {
			continue
		}
		for _, w := range r.Rewrites() {
			found++
			if w.Uses&graph.OnTape != 0 && !training[w.Name] {
				t.Errorf("no case applies the rewrite %q for training", w.Name)
			}
			if w.Uses&graph.Inference != 0 && !inference[w.Name] {
				t.Errorf("no case applies the rewrite %q for inference", w.Name)
			}
		}
	}
	if found == 0 {
		t.Error("no rewrites are found")
	}
}

// operationTypes returns the names of this package's types that are operations: those
// with a method MACs.
func operationTypes(t *testing.T) (names []string) {
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			m, ok := d.(*ast.FuncDecl)
			if !ok || m.Recv == nil || m.Name.Name != "MACs" {
				continue
			}
			r := m.Recv.List[0].Type
			if p, ok := r.(*ast.StarExpr); ok {
				r = p.X
			}
			names = append(names, r.(*ast.Ident).Name)
		}
	}
	if len(names) == 0 {
		t.Fatal("no operations are found")
	}
	return names
}
