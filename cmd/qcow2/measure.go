package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"cstructgen/qcow2"
)

func measureCommand() *cobra.Command {
	var (
		src     source
		out     output
		format  string
		options []string
		size    sizeFlag
	)
	cmd := &cobra.Command{
		Use:   "measure [-O FORMAT] [-o OPTIONS] {--size SIZE | IMAGE}",
		Short: "Tell how much room an image would take in a format",
		Long: `Tell how much room a new file would take: for the disk of an image, or for an
empty disk of some size. "required" is for the data that there is, "fully
allocated" for as much as the disk can hold, "bitmaps" for those that the image
has, if they are copied, too. Nothing is written.

Of the options of a qcow2 file those count that change its size: cluster_size,
refcount_bits, extended_l2, compat, preallocation, backing_file.`,
		Example: `  qcow2 measure -O qcow2 -o cluster_size=128k,extended_l2=on disk.qcow2
  qcow2 measure -O qcow2 --size 1T`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch sized := cmd.Flags().Changed("size"); {
			case sized && len(args) > 0:
				return usageError{errors.New("--size cannot be used together with an image")}
			case !sized && len(args) != 1:
				return usageError{errors.New("expecting either --size or one image file name")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			json, err := out.json()
			if err != nil {
				return err
			}
			var l layout
			switch format {
			case formatRaw:
				err = rawOptions(options)
			case formatQcow2:
				l, err = parseLayout(options)
			default:
				err = fmt.Errorf("cannot measure for format %q, only qcow2 and raw", format)
			}
			if err != nil {
				return usageError{err}
			}
			show := func(m measurement, err error) error {
				if err != nil {
					return err
				}
				return printed(cmd, func(w *bufio.Writer) error { m.print(w, json); return nil })
			}
			if len(args) == 0 {
				if format == formatRaw {
					return show(measureRaw(int64(size)))
				}
				return show(l.measureSize(int64(size)))
			}
			src.cache = onceCache
			return src.use(args[0], func(d disk) error {
				if format == formatRaw {
					return show(measureRaw(d.Size()))
				}
				return show(l.measureDisk(cmd.Context(), d))
			})
		},
	}
	src.register(cmd)
	src.registerSnapshot(cmd)
	out.register(cmd)
	f := cmd.Flags()
	f.StringVarP(&format, "target-format", "O", formatRaw, "`format` of the new file: qcow2 or raw")
	f.StringArrayVarP(&options, "options", "o", nil, "`options` of the new file, as qemu-img create takes them: NAME=VALUE,...")
	f.Var(&size, "size", "measure for an empty disk of so many bytes")
	return cmd
}

// A measurement is what "measure" says.
type measurement struct {
	required, allocated uint64
	hasBitmaps          bool
	bitmaps             uint64
}

func (m *measurement) print(w *bufio.Writer, json bool) {
	if json {
		var o object
		if m.hasBitmaps {
			o = append(o, member{"bitmaps", m.bitmaps})
		}
		writeJSON(w, append(o, member{"required", m.required}, member{"fully-allocated", m.allocated}))
		return
	}
	fmt.Fprintf(w, "required size: %d\nfully allocated size: %d\n", m.required, m.allocated)
	if m.hasBitmaps {
		fmt.Fprintf(w, "bitmaps size: %d\n", m.bitmaps)
	}
}

// measureRaw returns the size of a raw file, which holds all of its disk.
func measureRaw(size int64) (measurement, error) {
	n := roundUp(uint64(size), sectorSize)
	return measurement{required: n, allocated: n}, nil
}

// measureSize returns the size of a qcow2 file with an empty disk.
func (l *layout) measureSize(size int64) (measurement, error) {
	virtual := roundUp(uint64(size), l.cluster)
	if tables := ceilDiv(virtual/l.cluster, l.cluster/l.entry); tables*qcow2.L1E_SIZE > qcow2.QCOW_MAX_L1_SIZE {
		return measurement{}, errors.New("the disk is too large for this cluster size; a larger one makes room")
	}
	return l.measurement(virtual, 0), nil
}

// measureDisk returns the size of a qcow2 file with the disk d.
func (l *layout) measureDisk(ctx context.Context, d disk) (measurement, error) {
	virtual := roundUp(uint64(d.Size()), l.cluster)
	var used, end uint64 // clusters with data; where the last of them ends
	if l.backing {
		used = virtual // how much of it the backing file has is not known
	} else {
		for e, err := range d.ExtentsContext(ctx, 0, d.Size()) {
			if err != nil {
				return measurement{}, err
			}
			if !e.Zero {
				from := max(end, uint64(e.Start)/l.cluster*l.cluster)
				end = max(end, roundUp(uint64(e.Start)+uint64(e.Length), l.cluster))
				used += end - from
			}
		}
	}
	m := l.measurement(virtual, used)
	im, ok := d.(*qcow2.Image)
	if m.hasBitmaps = ok && l.version3 && im.Header().Version >= qcow2.QCOW2_VERSION_3; !m.hasBitmaps {
		return m, nil
	}
	bitmaps, err := im.Bitmaps()
	m.bitmaps = l.bitmapsSize(bitmaps, uint64(d.Size()))
	return m, err
}

// measurement returns the size of a file for a disk of virtual bytes, of which
// used have data; both are whole clusters.
func (l *layout) measurement(virtual, used uint64) measurement {
	if l.allocated {
		used = virtual
	}
	all := l.allocatedSize(virtual)
	return measurement{required: all - virtual + used, allocated: all}
}

// bitmapsSize returns how much room copies of the bitmaps of a disk take.
func (l *layout) bitmapsSize(bitmaps []qcow2.Bitmap, disk uint64) (size uint64) {
	var directory uint64
	for i := range bitmaps {
		b := &bitmaps[i]
		if b.Unusable {
			continue
		}
		clusters := ceilDiv(ceilDiv(ceilDiv(disk, b.Granularity), 8), l.cluster)
		size += clusters*l.cluster + roundUp(clusters*qcow2.SizeofQcow2BitmapTableEntry, l.cluster)
		directory += roundUp(qcow2.SizeofQcow2BitmapDirEntry+uint64(len(b.Name)), qcow2.QCOW2_ALIGNMENT)
	}
	return size + roundUp(directory, l.cluster)
}

// roundUp returns the lowest multiple of unit that is n or more; n is at most
// 2^63-1, and unit a cluster at most.
func roundUp(n, unit uint64) uint64 { return ceilDiv(n, unit) * unit }

func ceilDiv(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return a/b + 1
	}
	return (a + b - 1) / b
}
