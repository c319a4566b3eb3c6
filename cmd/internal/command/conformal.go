package command

import (
	"fmt"

	"github.com/whippet-ml/whippet/confidence"
)

// conformal prints how sets of classes are made and what they are.
func (p *printer) conformal(c *confidence.Conformal) {
	if c == nil {
		return
	}
	low, high := c.Spread()
	if p.json {
		fmt.Fprintln(p.out, mustJSON(map[string]any{"event": "conformal", "conformal": c, "spread": []float64{low, high}}))
		return
	}
	fmt.Fprintf(p.out, "\nsets of classes from a probability of %.3g: of %d validation pictures %s have their class in the set, of %.2f classes on average\n", c.Least, c.Pictures, share(c.Covered), c.Size)
	fmt.Fprintf(p.out, "with so many to choose by, the coverage on others is between %s and %s in nine of ten cases, or above\n", share(low), share(high))
}
