package main

import (
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/spf13/cobra"
)

// Limits of qemu-img's flags.
const (
	sectorSize = 512
	maxSparse  = 16 << 20
	maxWorkers = 16
)

func convertCommand() *cobra.Command {
	var (
		src             source
		out             output
		format          string
		workers         int
		sparse          = sparseFlag{size: 4096}
		progress, quiet bool
		salvage         bool
		to              destination
		cache           = cacheFlag("writeback")
		srcCache        = cacheFlag("writeback")
	)
	cmd := &cobra.Command{
		Use:   "convert -O raw IMAGE TARGET",
		Short: "Write the disk of an image to a raw file",
		Long: `Write the disk of an image to a raw file, or with "-" to standard output.

A target that is a file, or not there yet, is written beside its place under
another name and put there when it is whole and safe on disk: after an error or
an interrupt nothing has changed. Only who is killed (kill -9, a crash) leaves
".TARGET.*.tmp" behind, which may be removed. Through a symbolic link the target
is the file that it leads to; another hard link to that keeps what it had. A
block device, a pipe, and with -n any target, is written in place.

With --salvage a damaged image is read as far as it can be: what is lost is
zeros in the target, and is listed on standard error, a range a line, or with
--output=json on standard output. The exit code is then 2.`,
		Example: `  qcow2 convert -O raw --allow-dir . disk.qcow2 disk.raw
  qcow2 convert -O raw -l before-upgrade disk.qcow2 before.raw
  qcow2 convert -O raw --salvage --output=json disk.qcow2 saved.raw >lost.json
  qcow2 convert -O raw disk.qcow2 - | sha256sum`,
		Args: exactly(2, "an image file name and a target"),
		RunE: func(cmd *cobra.Command, args []string) error {
			json, err := out.json()
			to.name = args[1]
			switch {
			case err != nil:
				return err
			case format != formatRaw:
				return usageError{fmt.Errorf("cannot write format %q, only raw", format)}
			case workers < 0 || workers > maxWorkers:
				return usageError{fmt.Errorf("-m %d: from 1 to %d", workers, maxWorkers)}
			case to.zero && !to.existing:
				return usageError{errors.New("--target-is-zero is about a target that is there: give -n")}
			case json && !salvage:
				return usageError{errors.New("--output=json is about what --salvage could not save")}
			case json && to.name == "-":
				return usageError{errors.New("--output=json and the disk cannot both go to standard output")}
			case salvage && src.format == formatRaw:
				return usageError{errors.New("--salvage is for images; ddrescue reads raw ones off bad disks")}
			}
			if workers == 0 {
				workers = min(runtime.GOMAXPROCS(0)+1, maxWorkers) // one may wait for the disk
			}
			to.unsafe = cache == "unsafe"
			src.cache = onceCache
			var lost losses
			if salvage {
				src.salvage = lost.add
			}
			err = src.use(args[0], func(d disk) error {
				bar := newProgress(cmd.ErrOrStderr(), d.Size(), progress, quiet)
				defer bar.stop()
				c := copier{src: d, sparse: int(sparse.size), blind: sparse.extents, workers: affordable(workers, d), done: bar.add}
				return convert(cmd.Context(), &c, to, cmd.OutOrStdout())
			})
			if err != nil || !salvage {
				return err
			}
			return lost.print(cmd, json)
		},
	}
	src.register(cmd)
	src.registerSnapshot(cmd)
	out.register(cmd)
	f := cmd.Flags()
	f.Lookup("output").Usage = "`format` of what --salvage lists: human or json"
	f.StringVarP(&format, "target-format", "O", formatRaw, "`format` of the target: raw")
	f.IntVarP(&workers, "parallel", "m", 0, "how many `parts` are read and written at once, 1 to 16, fewer where clusters are large (default: one more than there are processors)")
	f.VarP(&sparse, "sparse", "S", "leave holes where so many bytes are zeros; 0: none, occupy all of the target; extents: where the image says so, without looking at data, which the system copies if it can")
	f.BoolVarP(&to.existing, "no-create", "n", false, "write into the target that is there, in place; it must not be smaller than the disk")
	f.BoolVar(&to.zero, "target-is-zero", false, "with -n: the target reads as zeros, which need not be written")
	f.BoolVar(&salvage, "salvage", false, "read what can be read of a damaged image, and list what cannot")
	f.BoolVarP(&progress, "progress", "p", false, "show progress on the terminal at once, not after a second")
	f.BoolVarP(&quiet, "quiet", "q", false, "show no progress")
	f.VarP(&cache, "cache", "t", "cache `mode`: with unsafe the target is not forced to disk at the end")
	f.VarP(&srcCache, "source-cache", "T", "accepted for qemu-img's sake")
	f.BoolP("out-of-order", "W", false, "accepted for qemu-img's sake: the target is always written out of order")
	for _, name := range []string{"source-cache", "out-of-order"} {
		if err := f.MarkHidden(name); err != nil {
			panic(err)
		}
	}
	return cmd
}

// A sparseFlag is the flag that says where holes are left.
type sparseFlag struct {
	size    sizeFlag // so many zeros; 0: no holes
	extents bool     // where the source is known to be zeros, without a look at data
}

func (f *sparseFlag) Type() string { return "size" }

func (f *sparseFlag) String() string {
	if f.extents {
		return "extents"
	}
	return f.size.String()
}

func (f *sparseFlag) Set(s string) error {
	if s == "extents" {
		*f = sparseFlag{size: sectorSize, extents: true}
		return nil
	}
	n, err := parseSize(s)
	if err != nil {
		return err
	}
	if n%sectorSize != 0 || n > maxSparse {
		return fmt.Errorf("a multiple of %d up to %d, or 0, or \"extents\"", sectorSize, maxSparse)
	}
	*f = sparseFlag{size: sizeFlag(n)}
	return nil
}

// A cacheFlag is one of qemu-img's cache modes.
type cacheFlag string

func (f *cacheFlag) Type() string   { return "mode" }
func (f *cacheFlag) String() string { return string(*f) }

func (f *cacheFlag) Set(s string) error {
	if modes := []string{"none", "writeback", "writethrough", "directsync", "unsafe"}; !slices.Contains(modes, s) {
		return fmt.Errorf("one of %q", modes)
	}
	*f = cacheFlag(s)
	return nil
}
