// Package htmlpage has what the pages that a command writes as one file share: the
// frame with a policy that forbids to load anything, the style for light and dark,
// narrow screens and paper, plots inside the page, and a table that can be sorted
// and filtered.
package htmlpage

import (
	"bytes"
	_ "embed" // frame, style and script
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"

	"github.com/whippet-ml/whippet/plot"
)

//go:embed frame.html
var frame string

//go:embed style.css
var style string

// TableScript is the script of the table with the id scores, whose headings hold
// buttons that sort and which the field with the id filter thins out. A heading
// has data-up where the first press sorts upwards and data-text where cells are
// words; every cell has its value as data-v.
//
//go:embed table.js
var TableScript string

// Frame is what stands around the content of a page. A type that embeds it is
// given to the templates head, which ends within the page's header, and tail.
type Frame struct {
	Title string // of the window and above the page
	Lead  string // a sentence below the title
	Day   string // of the page, "" for none

	// Set by Complete.
	Style  template.CSS
	Script template.JS
	Data   template.JS
}

// Complete adds the style, the page's script, and what the script works on: the
// JSON of data in the element with the id data.
func (f *Frame) Complete(data any, script string) error {
	raw, err := json.Marshal(data) // escapes <, > and &, so that it can stand in a script element
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	f.Style, f.Script, f.Data = template.CSS(style), template.JS(script), template.JS(raw)
	return nil
}

// Parse returns the template of a page, made of sources that may use the frame's
// templates. It panics when they are no templates, as template.Must does.
func Parse(funcs template.FuncMap, sources ...string) *template.Template {
	t := template.Must(template.New("page").Funcs(funcs).Parse(frame))
	for _, s := range sources {
		t = template.Must(t.Parse(s))
	}
	return t
}

// Figure is a plot inside a page.
type Figure struct {
	Src template.URL // by SVG
	Alt string       // what it shows, for who does not see it
}

// SVG makes a plot an address that an img element takes: that way its parts'
// names cannot clash with those of another plot.
func SVG(f *plot.Figure) (template.URL, error) {
	var b bytes.Buffer
	if err := f.WriteSVG(&b); err != nil {
		return "", err
	}
	return template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(b.Bytes())), nil
}
