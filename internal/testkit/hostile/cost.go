package hostile

import (
	"runtime"
	"time"
)

// Cost runs f and returns the processor time that this process took meanwhile
// and the bytes that it took from the heap. Neither grows when other programs
// keep the processors busy; other goroutines count too, so that tests which use
// it do not run in parallel.
func Cost(f func()) (processor time.Duration, allocated uint64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := processorTime()
	f()
	processor = processorTime() - start
	runtime.ReadMemStats(&after)
	return processor, after.TotalAlloc - before.TotalAlloc
}
