package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/distributed"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/train"
)

// This file is what ranks do together before and after they train.

// first reports whether this rank prints, and writes files.
func first(ctx context.Context) bool { return group(ctx).Rank() == 0 }

// printerOn is newPrinter for a command whose ranks do the same: rank 0 prints.
func printerOn(cmd *cobra.Command, json bool) *printer {
	p := newPrinter(cmd.OutOrStdout(), json)
	if !first(cmd.Context()) {
		p.out, p.err, p.terminal = io.Discard, io.Discard, false
	}
	return p
}

// onceAMachine calls f on all ranks, on each machine by one rank before the others: what is
// downloaded and extracted is there when they come.
func onceAMachine[T any](ctx context.Context, f func() (T, error)) (v T, err error) {
	g := group(ctx)
	rank, _ := g.Node()
	if rank == 0 {
		if v, err = f(); err != nil {
			return v, err
		}
	}
	if err = g.Barrier(); err != nil {
		return v, err
	}
	if rank != 0 {
		v, err = f()
	}
	return v, err
}

// fromFirst gives all ranks rank 0's value of v.
func fromFirst(ctx context.Context, v any) error {
	g := group(ctx)
	if g.Size() == 1 {
		return nil
	}
	var b []byte
	var err error
	if g.Rank() == 0 {
		if b, err = json.Marshal(v); err != nil {
			return err
		}
	}
	if b, err = g.Broadcast(b); err != nil || g.Rank() == 0 {
		return err
	}
	return json.Unmarshal(b, v)
}

// likeness is what all ranks of a run must have in common.
type likeness struct {
	Host       string
	Program    string // version and commit
	Set        string // instruction set: kernels of another one give other bits
	Winograd   string
	Settings   json.RawMessage
	Options    string // flags that change what is done and are no settings
	Listing    string // the pictures' names and labels
	Contents   string // of the pictures; of one rank for each folder of a machine
	Parameters uint32
}

// likenessOf describes this rank.
func likenessOf(ctx context.Context, c run.Config, options string, l *train.Learner) (k likeness, err error) {
	b := thisBuild()
	k = likeness{Program: b.Version + " " + b.Commit, Set: isa.Active().String(), Winograd: os.Getenv("WHIPPET_WINOGRAD"),
		Settings: json.RawMessage(mustJSON(c)), Options: options, Parameters: sumOf(l)}
	k.Host, _ = os.Hostname()
	k.Listing = fmt.Sprintf("%d pictures to train on and %d to validate on (%08x)", len(l.DLs.Train.Items()), len(l.DLs.Valid.Items()), l.DataSum())
	folder := c.Data // or another name of the data, which tells as well whether they are the same
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(c.Dir, folder)
	}
	compares, err := comparesContents(group(ctx), k.Host, folder)
	if err != nil || !compares {
		return k, err
	}
	pictures, err := run.Pictures(ctx, l.DLs)
	h := crc32.NewIEEE()
	for _, p := range pictures {
		fmt.Fprintln(h, p.Path, p.Digest)
	}
	k.Contents = fmt.Sprintf("%08x", h.Sum32())
	return k, err
}

// comparesContents reports whether this rank reads the contents of the pictures to compare them with
// rank 0's. Of the ranks that train on one folder of one machine, one is enough. All ranks call it.
func comparesContents(g distributed.Group, host, folder string) (bool, error) {
	if abs, err := filepath.Abs(folder); err == nil {
		folder = abs
	}
	mine := []byte(host + "\x00" + folder)
	all, err := g.AllGatherBytes(mine)
	if err != nil {
		return false, err
	}
	earlier := slices.ContainsFunc(all[:g.Rank()], func(b []byte) bool { return bytes.Equal(b, mine) })
	rank, _ := g.Node()
	return rank == 0 || !earlier, nil
}

// sumOf is a checksum of the learner's parameters and running statistics.
func sumOf(l *train.Learner) uint32 {
	h := crc32.NewIEEE()
	var b []byte
	for _, e := range nn.State(l.Model) {
		b = b[:0]
		for _, v := range e.Values() {
			n := math.Float32bits(v)
			b = append(b, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
		}
		h.Write(b)
	}
	return h.Sum32()
}

// differs says in what a rank is unlike rank 0, "" for nothing.
func (k likeness) differs(from likeness) string {
	var now, was run.Config
	if err := json.Unmarshal(k.Settings, &now); err != nil {
		return err.Error()
	}
	if err := json.Unmarshal(from.Settings, &was); err != nil {
		return err.Error()
	}
	switch settings := now.Differences(was); {
	case k.Program != from.Program:
		return fmt.Sprintf("its program is whippet %s, rank 0's %s", k.Program, from.Program)
	case k.Set != from.Set:
		return fmt.Sprintf("it computes with %s, rank 0 with %s, which gives other bits: set WHIPPET_CPU to what all machines have", k.Set, from.Set)
	case k.Winograd != from.Winograd:
		return fmt.Sprintf("WHIPPET_WINOGRAD is %q, on rank 0 %q", k.Winograd, from.Winograd)
	case settings != "":
		return "its settings differ: " + settings + " on rank 0"
	case k.Options != from.Options:
		return fmt.Sprintf("it was started with %s, rank 0 with %s", k.Options, from.Options)
	case k.Listing != from.Listing:
		return fmt.Sprintf("it sees other data: %s, rank 0 %s", k.Listing, from.Listing)
	case k.Contents != "" && k.Contents != from.Contents:
		return "pictures of the same names have other contents than on rank 0"
	case k.Parameters != from.Parameters:
		return "its network begins with other parameters than rank 0's: the weights' files differ"
	}
	return ""
}

// agree returns an error on all ranks when one of them is unlike rank 0. options are the flags that
// change what is done and are none of the settings.
func agree(ctx context.Context, c run.Config, options string, l *train.Learner) error {
	g := group(ctx)
	if g.Size() == 1 {
		return nil
	}
	mine, err := likenessOf(ctx, c, options, l)
	if err != nil {
		return err
	}
	return compare(g, mine)
}

// compare is agree for what likenessOf found.
func compare(g distributed.Group, mine likeness) error {
	all, err := g.AllGatherBytes([]byte(mustJSON(mine)))
	if err != nil {
		return err
	}
	var zero likeness
	for r, b := range all {
		var k likeness
		if err := json.Unmarshal(b, &k); err != nil {
			return fmt.Errorf("what rank %d says of itself: %w", r, err)
		}
		if r == 0 {
			zero = k
		}
		if differs := k.differs(zero); differs != "" {
			return distributed.Everywhere(fmt.Errorf("rank %d on %s cannot train with rank 0 on %s: %s", r, k.Host, zero.Host, differs))
		}
	}
	return nil
}

// settingsOf are the settings of an interrupted run as one rank finds them.
type settingsOf struct {
	Host, File string
	Fault      string      // why they cannot be read
	Settings   *run.Config // nil for none
}

// sameSettings returns an error on all ranks when the folder of an interrupted run has other settings
// for one of them than c, which rank 0 read: machines may have disks of their own, and one where the
// settings were edited would not train what its folder says. A rank that sees no such folder takes
// rank 0's.
func sameSettings(ctx context.Context, dir string, c run.Config) error {
	g := group(ctx)
	if g.Size() == 1 {
		return nil
	}
	mine := settingsOf{File: run.InterruptedConfig(dir)}
	mine.Host, _ = os.Hostname()
	switch own, err := run.ReadConfig(mine.File); {
	case err == nil:
		mine.Settings = &own
	case !errors.Is(err, fs.ErrNotExist):
		mine.Fault = err.Error()
	}
	all, err := g.AllGatherBytes([]byte(mustJSON(mine)))
	if err != nil {
		return err
	}
	for r, b := range all {
		var k settingsOf
		if err := json.Unmarshal(b, &k); err != nil {
			return fmt.Errorf("what rank %d says of itself: %w", r, err)
		}
		differs := k.Fault
		if k.Settings != nil {
			if differs = k.Settings.Differences(c); differs != "" {
				differs = fmt.Sprintf("%s has other settings: %s on rank 0", k.File, differs)
			}
		}
		if r > 0 && differs != "" {
			return distributed.Everywhere(fmt.Errorf("rank %d on %s cannot go on with rank 0's run: %s: replace the file by rank 0's, or remove it", r, k.Host, differs))
		}
	}
	return nil
}

// damagedOnAll returns how many pictures the ranks left out of training as damaged, and the first of
// them.
func damagedOnAll(ctx context.Context, dls *data.DataLoaders) (n int, one string, err error) {
	var mine []string
	for _, e := range dls.Train.Damaged() {
		mine = append(mine, e.Error())
	}
	all, err := group(ctx).AllGatherBytes([]byte(mustJSON(mine)))
	if err != nil {
		return 0, "", err
	}
	seen := map[string]bool{} // a picture may come to another rank in another epoch
	for _, b := range all {
		var of []string
		if err := json.Unmarshal(b, &of); err != nil {
			return 0, "", err
		}
		for _, e := range of {
			if one == "" {
				one = e
			}
			seen[e] = true
		}
	}
	return len(seen), one, nil
}
