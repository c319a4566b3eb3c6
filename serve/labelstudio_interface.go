package serve

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// studioInterface is what is used of a project's labeling interface: choices for a picture.
type studioInterface struct {
	from, to string            // names of the Choices and of the Image
	variable string            // of a task's data, that has the picture
	choices  map[string]string // as the interface writes them, by themselves and in lower case
	any      bool              // the choices are in the tasks' data
}

// choice returns the choice that a label of a model is: of the same name, or of one that differs by case only.
func (s *studioInterface) choice(label string) (string, bool) {
	if s.any {
		return label, true
	}
	if c, ok := s.choices[label]; ok {
		return c, true
	}
	c, ok := s.choices[strings.ToLower(label)]
	return c, ok
}

// maxTags bounds the tags of a labeling interface.
const maxTags = 20_000

// parseInterface finds the first Choices of an interface that are for an Image.
func parseInterface(config string) (*studioInterface, error) {
	images := map[string]string{} // variables by names
	var all []*studioInterface
	var within []*studioInterface // Choices, outer first; nil for other tags
	d := xml.NewDecoder(strings.NewReader(config))
	for tags := 0; ; {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("it is not XML: %w", err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if tags++; tags > maxTags {
				return nil, fmt.Errorf("it has more than %d tags", maxTags)
			}
			at := map[string]string{}
			for _, a := range t.Attr {
				at[a.Name.Local] = a.Value
			}
			var c *studioInterface
			if len(within) > 0 {
				c = within[len(within)-1]
			}
			switch t.Name.Local {
			case "Image":
				if v, ok := strings.CutPrefix(at["value"], "$"); ok {
					images[at["name"]] = v
				}
			case "Choices":
				c = &studioInterface{from: at["name"], to: at["toName"], choices: map[string]string{}, any: strings.HasPrefix(at["value"], "$")}
				all = append(all, c)
			case "Choice":
				if c != nil {
					c.add(at["value"])
				}
			}
			within = append(within, c)
		case xml.EndElement:
			within = within[:len(within)-1] // the decoder balances them
		}
	}
	for _, c := range all {
		if v, ok := images[c.to]; ok {
			c.variable = v
			return c, nil
		}
	}
	return nil, errors.New(`it has no <Choices toName="…"> for an <Image name="…" value="$…">`)
}

// add adds a choice. An exact name is found before one that differs by case.
func (s *studioInterface) add(value string) {
	if low := strings.ToLower(value); s.choices[low] == "" {
		s.choices[low] = value
	}
	s.choices[value] = value
}
