package files

import (
	"fmt"
	"io/fs"
	"os"
)

// Open opens the file at path for reading and returns its size in bytes. Of a
// folder, a pipe, a device or a socket the error says what it is. Opening a pipe
// would wait for somebody to write into it, for ever and in spite of any
// context, so what a path names is looked at before it is opened.
func Open(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if err := check(path, info); err != nil {
		return nil, 0, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	if info, err = f.Stat(); err == nil {
		err = check(path, info) // it may be another one by now
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func check(path string, info fs.FileInfo) error {
	kind := info.Mode().Type()
	if kind == 0 {
		return nil
	}
	what := "something else"
	switch {
	case kind&fs.ModeDir != 0:
		what = "a folder"
	case kind&fs.ModeNamedPipe != 0:
		what = "a pipe"
	case kind&fs.ModeDevice != 0:
		what = "a device"
	case kind&fs.ModeSocket != 0:
		what = "a socket"
	}
	return fmt.Errorf("%s is %s, not a regular file", path, what)
}
