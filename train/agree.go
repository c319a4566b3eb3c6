package train

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// What became of a rank's part of a step or of a validation, from the least grave to the gravest.
type outcome byte

const (
	good         outcome = iota
	cancelsBatch         // a callback returned ErrCancelBatch
	stops                // its context ended
	cancelsEpoch
	cancelsFit
	fails
)

// outcomeOf sorts an error.
func outcomeOf(err error) outcome {
	switch {
	case err == nil:
		return good
	case errors.Is(err, ErrInterrupted):
		return stops
	case errors.Is(err, ErrCancelBatch):
		return cancelsBatch
	case errors.Is(err, ErrCancelEpoch):
		return cancelsEpoch
	case errors.Is(err, ErrCancelFit):
		return cancelsFit
	}
	return fails
}

// report is what a rank tells the others about its part.
type report struct {
	outcome outcome
	reason  string // of fails
	final   bool   // its context has ended, but this step is still taken
	shards  []shardReport
}

// shardReport is what a shard has come to: the share of the step's pictures that it had, and its
// loss, the mean over its pictures or, for a loss that is a sum, their sum.
type shardReport struct{ weight, loss float64 }

// newReport reports err, nil for success.
func newReport(err error) report {
	r := report{outcome: outcomeOf(err)}
	if r.outcome == fails {
		r.reason = err.Error()
	}
	return r
}

// append writes the report behind b.
func (r report) append(b []byte) []byte {
	final := byte(0)
	if r.final {
		final = 1
	}
	b = append(b, byte(r.outcome), final)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.reason)))
	b = append(b, r.reason...)
	for _, s := range r.shards {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(s.weight))
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(s.loss))
	}
	return b
}

// parseReport reads a report with a number of shards and returns what is behind it.
func parseReport(b []byte, shards int) (r report, rest []byte, err error) {
	const head = 6
	if len(b) < head {
		return r, nil, errors.New("train: a rank's report is cut short")
	}
	r.outcome, r.final = outcome(b[0]), b[1] != 0
	n := int(binary.LittleEndian.Uint32(b[2:]))
	if b = b[head:]; n > len(b) || len(b)-n < 16*shards {
		return r, nil, errors.New("train: a rank's report is cut short")
	}
	r.reason, b = string(b[:n]), b[n:]
	for range shards {
		r.shards = append(r.shards, shardReport{math.Float64frombits(binary.LittleEndian.Uint64(b)), math.Float64frombits(binary.LittleEndian.Uint64(b[8:]))})
		b = b[16:]
	}
	return r, b, nil
}

// verdict returns the error that all ranks return because of one of them: that of the
// lowest rank with the gravest outcome; nil when all are good. own is this rank's error. For
// one rank alone it is own.
func (l *Learner) verdict(reports []report, own error) error {
	rank := 0
	for r := range reports {
		if reports[r].outcome > reports[rank].outcome {
			rank = r
		}
	}
	if rank == l.group.Rank() {
		return l.onAll(own)
	}
	switch r := reports[rank]; r.outcome {
	case good:
		return nil
	case stops:
		return l.stoppedBy(rank, nil)
	case cancelsBatch:
		return ErrCancelBatch
	case cancelsEpoch:
		return ErrCancelEpoch
	case cancelsFit:
		return ErrCancelFit
	default:
		return l.onAll(fmt.Errorf("rank %d: %s", rank, r.reason))
	}
}

// stoppedBy is the error of all ranks after the context of one of them ended; own is its error
// there.
func (l *Learner) stoppedBy(rank int, own error) error {
	if rank != l.group.Rank() {
		own = fmt.Errorf("%w: rank %d was told to stop: %w", ErrInterrupted, rank, context.Canceled)
	}
	return l.onAll(own)
}
