package offheap

import "golang.org/x/sys/unix"

// mapMemory returns at least n zeroed bytes, or nil when the system refuses.
func mapMemory(n int) []byte {
	const huge = 2 << 20
	if n >= huge {
		n = (n + huge - 1) &^ (huge - 1)
	}
	m, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	_ = unix.Madvise(m, unix.MADV_HUGEPAGE) // a wish: without it pages are small
	return m
}

func unmapMemory(m []byte) { _ = unix.Munmap(m) }
