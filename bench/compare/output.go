package main

import "bytes"

// tail keeps the end of what a program says on its standard error, to show it if
// the program fails.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	if len(*t) > 2000 {
		*t = append((*t)[:0], (*t)[len(*t)-2000:]...)
	}
	return len(p), nil
}

func (t tail) String() string { return string(t) }

// lastLine returns the last line of out that is not empty: libraries may greet
// before it, and whippet's JSON is one value of several lines.
func lastLine(out []byte) []byte {
	out = bytes.TrimSpace(out)
	if bytes.HasSuffix(out, []byte("}")) && bytes.HasPrefix(out, []byte("{")) {
		return out
	}
	return out[bytes.LastIndexByte(out, '\n')+1:]
}
