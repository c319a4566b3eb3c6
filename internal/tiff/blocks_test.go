package tiff

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestBlocks: ordinary tiles and strips are no bombs.
func TestBlocks(t *testing.T) {
	for name, c := range map[string]struct {
		tags map[int]uint32
		w, h int
		says string
	}{
		"one strip":             {nil, 5000, 5000, ""},
		"strips of a row":       {map[int]uint32{tagRowsPerStrip: 1}, 5000, 20_000, ""},
		"rows of 2^32-1":        {map[int]uint32{tagRowsPerStrip: 1<<32 - 1}, 5000, 5000, ""},
		"tiles of 256":          {map[int]uint32{tagTileWidth: 256, tagTileLength: 256}, 5001, 5001, ""},
		"a picture in one tile": {map[int]uint32{tagTileWidth: 1024, tagTileLength: 1024}, 1, 1, ""},
		"too many tiles":        {map[int]uint32{tagTileWidth: 16, tagTileLength: 16}, 5000, 5000, "97969 tiles"},
		"tiles beside":          {map[int]uint32{tagTileWidth: 1024, tagTileLength: 16}, 16, 60_000, "far more"},
		"tiles of 2^32-1":       {map[int]uint32{tagTileWidth: 1<<32 - 1, tagTileLength: 1<<32 - 1}, 16, 16, "far more"},
	} {
		for _, order := range []string{"II*\x00\x08\x00\x00\x00", "MM\x00*\x00\x00\x00\x08"} {
			tags := map[int]uint32{tagWidth: uint32(c.w), tagHeight: uint32(c.h), tagBits: 8, tagPhotometric: blackIsZero}
			maps.Copy(tags, c.tags)
			_, err := read(append([]byte(order), directoryOf(order[0] == 'M', tags)...))
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s, %s: error %v, want one that says %q", name, order[:2], err, c.says)
			}
		}
	}
}

// directoryOf is a directory of tags with a LONG each.
func directoryOf(big bool, tags map[int]uint32) []byte {
	var order binary.AppendByteOrder = binary.LittleEndian
	if big {
		order = binary.BigEndian
	}
	b := order.AppendUint16(nil, uint16(len(tags)))
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		b = order.AppendUint16(b, uint16(k))
		b = order.AppendUint16(b, 4)
		b = order.AppendUint32(b, 1)
		b = order.AppendUint32(b, tags[k])
	}
	return append(b, 0, 0, 0, 0)
}
