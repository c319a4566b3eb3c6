package files

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// tempMark stands between the target's name, after a dot, and a random suffix
// in the name of a temporary file.
const tempMark = ".tmp-"

// bufferSize is the write buffer: large enough that a file of many small
// arrays costs few system calls.
const bufferSize = 256 << 10

// WriteFile calls write with a buffered writer and makes what it wrote the
// content of path. When write, the disk or the rename fails, path is left as
// it was, the temporary file is removed, and the error names path.
//
// A new file has mode 0666 before umask; an existing one keeps its mode. A
// symbolic link is followed, so that the link stays and its target changes.
// The directory must exist.
func WriteFile(path string, write func(w io.Writer) error) (err error) {
	target, mode, err := resolve(path)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	f, err := createTemp(target, mode)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	done := false
	defer func() {
		if done {
			return
		}
		// Also on a panic of write. The errors are not worth more than the
		// first one.
		_ = f.Close()
		_ = os.Remove(f.Name())
	}()

	buffered := bufio.NewWriterSize(f, bufferSize)
	if err := write(buffered); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	// Without this sync, a crash soon after the rename can leave the new name
	// on an empty file.
	if err := f.Sync(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := rename(f.Name(), target); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	done = true
	if err := syncDir(filepath.Dir(target)); err != nil {
		return fmt.Errorf("writing %s: syncing its directory: %w", path, err)
	}
	return nil
}

// resolve follows symbolic links and finds the mode of the existing file; mode
// is 0 when there is none.
func resolve(path string) (target string, mode fs.FileMode, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, 0, nil
	case err != nil:
		return "", 0, err
	case !info.Mode().IsRegular():
		return "", 0, fmt.Errorf("it exists and is not a regular file (%s)", info.Mode().Type())
	}
	target, err = filepath.EvalSymlinks(path)
	return target, info.Mode().Perm(), err
}

// createTemp makes a new file beside target. mode 0 means 0666 before umask;
// os.CreateTemp is not used because its 0600 cannot be widened to what umask
// would have given.
func createTemp(target string, mode fs.FileMode) (*os.File, error) {
	dir, base := filepath.Split(target)
	for try := 0; ; try++ {
		name := dir + "." + base + tempMark + strconv.FormatUint(rand.Uint64(), 36)
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) && try < 100 {
			continue
		}
		if err != nil {
			return nil, err
		}
		if mode != 0 {
			if err := f.Chmod(mode); err != nil {
				_ = f.Close()
				_ = os.Remove(name)
				return nil, err
			}
		}
		return f, nil
	}
}

// RemoveLeftovers deletes the temporary files that WriteFile left in dir, for
// targets whose names begin with prefix, when a process was killed while it
// wrote. Nothing else may be writing such targets at the time. A dir that does
// not exist has no leftovers.
func RemoveLeftovers(dir, prefix string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, "."+prefix) || !strings.Contains(name, tempMark) || !e.Type().IsRegular() {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
