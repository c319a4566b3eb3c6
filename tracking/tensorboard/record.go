package tensorboard

import (
	"encoding/binary"
	"hash/crc32"
)

// Event files are TFRecords: a record is the length of its content in 8 bytes, a
// checksum of these, the content, and a checksum of it. All numbers are
// little-endian (tensorflow/core/lib/io/record_writer.h).
const (
	recordHead = 12
	recordTail = 4
)

// maxRecord bounds a record that is read; Whippet's have hundreds of bytes.
const maxRecord = 64 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is TensorFlow's masked CRC-32C, so that the checksum of data that has
// checksums in it is as good as any.
func checksum(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// appendRecord appends a record with a content.
func appendRecord(b, content []byte) []byte {
	at := len(b)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(content)))
	b = binary.LittleEndian.AppendUint32(b, checksum(b[at:]))
	b = append(b, content...)
	return binary.LittleEndian.AppendUint32(b, checksum(content))
}

// nextRecord returns the content of the first record of b and what comes after it;
// ok is false at the end, and where a record is not whole.
func nextRecord(b []byte) (content, rest []byte, ok bool) {
	if len(b) < recordHead || checksum(b[:8]) != binary.LittleEndian.Uint32(b[8:]) {
		return nil, nil, false
	}
	n := binary.LittleEndian.Uint64(b)
	if n > maxRecord || uint64(len(b)) < recordHead+n+recordTail {
		return nil, nil, false
	}
	content, rest = b[recordHead:recordHead+n], b[recordHead+n:]
	return content, rest[recordTail:], checksum(content) == binary.LittleEndian.Uint32(rest)
}
