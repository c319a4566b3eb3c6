package heif

import (
	"errors"
	"fmt"
	"io"
)

// Limits of a container. A grid of a picture of 89 megapixels in tiles of
// 512×512 has some 350 items; the largest camera files have a few hundred.
const (
	maxItems      = 8192
	maxProperties = 8192
	maxExtents    = 1 << 16
)

// item is an item of the container: a coded picture, a grid, metadata.
type item struct {
	kind       string
	extents    []extent
	inside     bool // extents are of the idat box
	refused    bool // its place cannot be told
	properties []property
	derived    []uint32 // the items it is made of: dimg
}

type extent struct{ offset, length uint64 }

// property is an item property (ISO/IEC 23008-12, 6.5).
type property struct {
	kind    string
	content []byte
}

// container is the meta box of a file.
type container struct {
	file    []byte
	idat    []byte
	primary uint32
	items   map[uint32]*item
}

// Brands reports the major brand of a file and those it is compatible with; none when it
// does not begin with a ftyp box.
func Brands(b []byte) (brands []string) {
	if len(b) < 16 || string(b[4:8]) != "ftyp" {
		return nil
	}
	r := reader{b: b}
	size := r.uint(4)
	if size < 16 || size > 1<<12 {
		return nil
	}
	content := b[8:min(uint64(len(b)), size)]
	for i := 0; i+4 <= len(content); i += 4 {
		if i != 4 { // the minor version
			brands = append(brands, string(content[i:i+4]))
		}
	}
	return brands
}

// parse reads the boxes of a file as far as pictures need them.
func parse(b []byte) (*container, error) {
	c := &container{file: b, items: map[uint32]*item{}}
	found := false
	err := boxes(b, func(kind string, content []byte) error {
		if kind != "meta" || found {
			return nil
		}
		found = true
		return c.meta(content)
	})
	// What comes after the boxes that matter may be damaged or cut off; extents tell whether it was needed.
	if err != nil && !found {
		return nil, err
	}
	if !found {
		return nil, errors.New("the container has no picture, only films")
	}
	if err != nil && (c.items[c.primary] == nil || !errors.Is(err, io.ErrUnexpectedEOF)) {
		return nil, err
	}
	if c.items[c.primary] == nil {
		return nil, errors.New("the container does not tell its primary picture")
	}
	return c, nil
}

func (c *container) meta(b []byte) error {
	r := reader{b: b}
	r.version()
	var properties []property
	var associations []byte
	err := boxes(r.b, func(kind string, content []byte) error {
		r := reader{b: content}
		switch kind {
		case "pitm":
			version, _ := r.version()
			c.primary = uint32(r.uint(2 + 2*min(version, 1)))
			return r.err()
		case "iinf":
			return c.infos(&r)
		case "iloc":
			return c.locations(&r)
		case "iref":
			return c.references(&r)
		case "idat":
			c.idat = content
		case "iprp":
			return boxes(content, func(kind string, content []byte) error {
				switch kind {
				case "ipco":
					return boxes(content, func(kind string, content []byte) error {
						properties = append(properties, property{kind, content})
						if len(properties) > maxProperties {
							return fmt.Errorf("the container has more than %d properties", maxProperties)
						}
						return nil
					})
				case "ipma":
					if associations == nil {
						associations = content
					}
				}
				return nil
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.associate(associations, properties)
}

// get returns the item of an identifier, made when it is new.
func (c *container) get(id uint32) (*item, error) {
	it := c.items[id]
	if it == nil {
		if len(c.items) >= maxItems {
			return nil, fmt.Errorf("the container has more than %d items", maxItems)
		}
		it = &item{}
		c.items[id] = it
	}
	return it, nil
}

// infos reads the kinds of items: iinf and its infe boxes.
func (c *container) infos(r *reader) error {
	version, _ := r.version()
	r.uint(2 + 2*min(version, 1))
	if r.short {
		return errShort
	}
	return boxes(r.b, func(kind string, content []byte) error {
		r := reader{b: content}
		version, _ := r.version()
		if kind != "infe" || version < 2 {
			return nil
		}
		id := uint32(r.uint(2 + 2*min(version-2, 1)))
		r.uint(2)
		name := string(r.bytes(4))
		if r.short {
			return errShort
		}
		it, err := c.get(id)
		if err == nil {
			it.kind = name
		}
		return err
	})
}

// locations reads where items are: iloc.
func (c *container) locations(r *reader) error {
	version, _ := r.version()
	sizes := r.uint(2)
	offsetSize, lengthSize, baseSize, indexSize := int(sizes>>12), int(sizes>>8&15), int(sizes>>4&15), int(sizes&15)
	if version == 0 {
		indexSize = 0
	}
	for _, n := range []int{offsetSize, lengthSize, baseSize, indexSize} {
		if n != 0 && n != 4 && n != 8 {
			return fmt.Errorf("item locations with fields of %d bytes", n)
		}
	}
	wide := 2
	if version >= 2 {
		wide = 4
	}
	all := 0
	for n := r.uint(wide); n > 0; n-- {
		id := uint32(r.uint(wide))
		method := uint64(0)
		if version >= 1 {
			method = r.uint(2) & 15
		}
		reference := r.uint(2)
		base := r.uint(baseSize)
		count := r.uint(2)
		if r.short {
			return errShort
		}
		it, err := c.get(id)
		if err != nil {
			return err
		}
		it.inside = method == 1
		it.refused = method > 1 || reference != 0
		it.extents = nil
		if all += int(count); all > maxExtents {
			return fmt.Errorf("the container has more than %d extents", maxExtents)
		}
		for range count {
			r.uint(indexSize)
			it.extents = append(it.extents, extent{base + r.uint(offsetSize), r.uint(lengthSize)})
		}
	}
	return r.err()
}

// references reads what items are derived from: iref.
func (c *container) references(r *reader) error {
	version, _ := r.version()
	wide := 2 + 2*min(version, 1)
	return boxes(r.b, func(kind string, content []byte) error {
		r := reader{b: content}
		it, err := c.get(uint32(r.uint(wide)))
		if err != nil {
			return err
		}
		n := int(r.uint(2))
		if kind != "dimg" || it.derived != nil {
			return nil
		}
		for range n {
			it.derived = append(it.derived, uint32(r.uint(wide)))
		}
		return r.err()
	})
}

// associate gives items their properties: ipma.
func (c *container) associate(b []byte, properties []property) error {
	if b == nil {
		return nil
	}
	r := &reader{b: b}
	version, flags := r.version()
	wide := 2 + 2*min(version, 1)
	all := 0
	for n := r.uint(4); n > 0; n-- {
		it, err := c.get(uint32(r.uint(wide)))
		if err != nil {
			return err
		}
		count := r.uint(1)
		if r.short {
			return errShort
		}
		it.properties = nil
		for range count {
			// The highest bit says that the property is essential.
			var i int
			if flags&1 == 1 {
				i = int(r.uint(2) & 0x7fff)
			} else {
				i = int(r.uint(1) & 0x7f)
			}
			if all++; all > maxExtents {
				return fmt.Errorf("the container associates more than %d properties", maxExtents)
			}
			if i > 0 && i <= len(properties) {
				it.properties = append(it.properties, properties[i-1])
			}
		}
	}
	return r.err()
}

// data returns the bytes of an item. Extents that share bytes to become larger than the file are refused.
func (c *container) data(it *item) ([]byte, error) {
	from := c.file
	if it.inside {
		from = c.idat
	}
	if it.refused {
		return nil, errors.New("the container keeps the picture in another file")
	}
	var all []byte
	for _, e := range it.extents {
		if e.offset > uint64(len(from)) || e.length > uint64(len(from))-e.offset {
			return nil, fmt.Errorf("the picture lies beyond the end of the file: %w", io.ErrUnexpectedEOF)
		}
		part := from[e.offset : e.offset+e.length]
		if e.length == 0 {
			part = from[e.offset:]
		}
		if len(all)+len(part) > len(c.file) {
			return nil, errors.New("the parts of the picture overlap")
		}
		if len(it.extents) == 1 {
			return part, nil
		}
		all = append(all, part...)
	}
	return all, nil
}

// property returns the content of the first property of that kind, nil when there is none.
func (it *item) property(kind string) []byte {
	for _, p := range it.properties {
		if p.kind == kind {
			return p.content
		}
	}
	return nil
}
