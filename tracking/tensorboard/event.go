package tensorboard

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The numbers of the fields of tensorboard/compat/proto: event.proto and
// summary.proto.
const (
	eventWallTime    = 1
	eventStep        = 2
	eventFileVersion = 3
	eventSummary     = 5
	eventSessionLog  = 7

	sessionLogStatus = 1
	sessionStart     = 1 // SessionLog.START

	summaryValue = 1

	valueTag      = 1
	valueSimple   = 2
	valueMetadata = 9

	metadataPlugin = 1

	pluginName    = 1
	pluginContent = 2
)

// scalar is a named number of an event.
type scalar struct {
	tag   string
	value float64
}

func appendDouble(b []byte, field protowire.Number, v float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), math.Float64bits(v))
}

func appendInt(b []byte, field protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), uint64(v))
}

func appendText(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func appendMessage(b []byte, field protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), content)
}

// encoder makes events in buffers that it uses again.
type encoder struct{ event, summary, value []byte }

// head begins an event: seconds since 1970, and a step.
func (e *encoder) head(wall float64, step int64) {
	e.event = appendDouble(e.event[:0], eventWallTime, wall)
	if step != 0 { // which is what an absent field means
		e.event = appendInt(e.event, eventStep, step)
	}
}

// scalars appends an event with numbers to b, as a record. TensorBoard keeps numbers
// of single precision.
func (e *encoder) scalars(b []byte, wall float64, step int64, vs []scalar) []byte {
	e.head(wall, step)
	e.summary = e.summary[:0]
	for _, v := range vs {
		e.value = appendText(e.value[:0], valueTag, v.tag)
		e.value = protowire.AppendTag(e.value, valueSimple, protowire.Fixed32Type)
		e.value = protowire.AppendFixed32(e.value, math.Float32bits(float32(v.value)))
		e.summary = appendMessage(e.summary, summaryValue, e.value)
	}
	e.event = appendMessage(e.event, eventSummary, e.summary)
	return appendRecord(b, e.event)
}

// begin appends what a file begins with: the version of its format, and the note that
// what an earlier file has from step 0 on is void.
func (e *encoder) begin(b []byte, wall float64) []byte {
	e.event = appendDouble(e.event[:0], eventWallTime, wall)
	e.event = appendText(e.event, eventFileVersion, "brain.Event:2")
	b = appendRecord(b, e.event)
	e.head(wall, 0)
	e.event = appendMessage(e.event, eventSessionLog, appendInt(nil, sessionLogStatus, sessionStart))
	return appendRecord(b, e.event)
}

// plugin appends an event that says something to one of TensorBoard's plugins.
func (e *encoder) plugin(b []byte, wall float64, tag, name string, content []byte) []byte {
	data := appendMessage(appendText(nil, pluginName, name), pluginContent, content)
	value := appendText(nil, valueTag, tag)
	value = appendMessage(value, valueMetadata, appendMessage(nil, metadataPlugin, data))
	e.head(wall, 0)
	e.event = appendMessage(e.event, eventSummary, appendMessage(nil, summaryValue, value))
	return appendRecord(b, e.event)
}

// readEvent reads when an event was, and at which step; tag is that of its first
// value, "" if it has none.
func readEvent(b []byte) (wall float64, step int64, tag string) {
	fields(b, func(n protowire.Number, v uint64, content []byte) {
		switch n {
		case eventWallTime:
			wall = math.Float64frombits(v)
		case eventStep:
			step = int64(v)
		case eventSummary:
			fields(content, func(n protowire.Number, _ uint64, value []byte) {
				if n != summaryValue || tag != "" {
					return
				}
				fields(value, func(n protowire.Number, _ uint64, text []byte) {
					if n == valueTag {
						tag = string(text)
					}
				})
			})
		}
	})
	return wall, step, tag
}

// fields calls each with the fields of a message, as far as it is one: with the
// number of a field of fixed size, or the content of others.
func fields(b []byte, each func(n protowire.Number, v uint64, content []byte)) {
	for len(b) > 0 {
		n, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			return
		}
		b = b[size:]
		var v uint64
		var content []byte
		switch kind {
		case protowire.VarintType:
			v, size = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			v, size = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			content, size = protowire.ConsumeBytes(b)
		default:
			size = protowire.ConsumeFieldValue(n, kind, b)
		}
		if size < 0 {
			return
		}
		each(n, v, content)
		b = b[size:]
	}
}
