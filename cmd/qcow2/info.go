package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"cstructgen/qcow2"
)

func infoCommand() *cobra.Command {
	var (
		src        source
		out        output
		chain      bool
		partitions bool
		sectorSize sizeFlag
		safety     bool
		accepted   []string
	)
	cmd := &cobra.Command{
		Use:   "info IMAGE",
		Short: "Show what an image is",
		Long: `Show what an image is. With -l it is shown as the snapshot holds it: that
snapshot alone is listed, and its size is the virtual size.

With --safety it is told instead whether the image is safe to be opened by
others: whether it names other files, has unknown features, is encrypted,
marked corrupt, truncated or damaged. Nothing but the image is opened, whatever
is allowed. The exit code is 0 if it is safe, 2 if not, 1 if nobody can tell.`,
		Args: exactly(1, "one image file name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			json, err := out.json()
			if err != nil {
				return err
			}
			if safety {
				if src.format != formatQcow2 {
					return usageError{errors.New("--safety is about qcow2 images")}
				}
				for _, name := range accepted {
					if !slices.Contains(qcow2.SafetyNames(), name) {
						return usageError{fmt.Errorf("--accept %q: no such check; there are %s", name, strings.Join(qcow2.SafetyNames(), ", "))}
					}
				}
				report, err := examine(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return printed(cmd, func(w *bufio.Writer) error { return writeSafety(w, report, args[0], json, accepted) })
			}
			saveMemory()
			return src.use(args[0], func(d disk) error {
				c := describing{disk: d, chain: chain}
				if src.snapshot.given {
					if _, c.chosen, err = src.snapshot.find(d); err != nil {
						return err
					}
				}
				var tableErr error
				if partitions {
					c.partitions, tableErr = describePartitions(d, int64(sectorSize))
				}
				err := printed(cmd, func(w *bufio.Writer) error {
					printInfos(w, c.infos, json, chain)
					return nil
				})
				return errors.Join(errors.Join(c.errs...), tableErr, err)
			})
		},
	}
	src.register(cmd)
	src.registerSnapshot(cmd)
	out.register(cmd)
	cmd.Flags().BoolVar(&chain, "backing-chain", false, "show the backing files, too")
	cmd.Flags().BoolVar(&safety, "safety", false, "tell whether the image is safe to be opened by others")
	cmd.Flags().StringArrayVar(&accepted, "accept", nil, "with --safety: the check called `name` counts for nothing; may be repeated")
	cmd.Flags().BoolVar(&partitions, "partitions", false, "show the disk's partition table, too")
	cmd.Flags().Var(&sectorSize, "sector-size", "of the disk, for its partition table; else found in a GPT, and 512 in an MBR")
	return cmd
}

// An info is what "info" says of one file. Names are from images and not to
// be trusted.
type info struct {
	filename string
	format   string
	size     int64  // of the disk, in bytes
	protocol string // what the file is to QEMU
	length   int64  // of the file, in bytes
	occupied int64  // -1: not known
	qcow2    *qcow2.Description
	encrypt  object // how it is encrypted

	partitions *partitionInfo // nil: not asked for, or not to be read
}

// A describing is what there is to say of an image, and with chain of the layers
// below, layer by layer: each may have lists as long as memory allows.
type describing struct {
	disk
	chain      bool
	chosen     *qcow2.Snapshot // to be shown alone; nil: all that there are
	partitions *partitionInfo

	errs []error // what could not be read; the rest is described
}

// infos yields the infos.
func (c *describing) infos(yield func(*info) bool) {
	im, _ := c.disk.(*qcow2.Image)
	for _, f := range c.Files() {
		if f.Kind == qcow2.KindData {
			continue
		}
		if f.Depth > 0 && !c.chain {
			return
		}
		in := info{filename: f.Shown, format: f.Format, size: f.DiskSize,
			protocol: protocol(f.Info), length: wholeSectors(f.Size), occupied: occupied(f.Info)}
		if f.Depth == 0 {
			in.partitions = c.partitions
		}
		if f.Format == formatQcow2 {
			desc := im.Describe()
			if c.chosen != nil && f.Depth == 0 {
				desc.Snapshots = []qcow2.Snapshot{*c.chosen}
			}
			in.qcow2 = &desc
			var luksErr error
			in.encrypt, luksErr = encryptObject(im, desc.Encryption)
			c.errs = append(c.errs, desc.SnapshotsError, desc.BitmapsError, luksErr)
			if c.chain {
				c.errs = append(c.errs, im.BackingError())
			}
			im = im.Backing()
		}
		if !yield(&in) {
			return
		}
	}
}

// printInfos prints infos, the first alone without chain.
func printInfos(w *bufio.Writer, infos iter.Seq[*info], json, chain bool) {
	if !json {
		first := true
		for in := range infos {
			if !first {
				fmt.Fprintln(w)
			}
			first = false
			in.print(w)
		}
		return
	}
	objects := func(yield func(any) bool) {
		for in := range infos {
			if !yield(in.object()) {
				return
			}
		}
	}
	if chain {
		writeJSON(w, sequence(objects))
		return
	}
	for o := range objects {
		writeJSON(w, o)
	}
}

// protocol returns QEMU's name of the driver for a file.
func protocol(info fs.FileInfo) string {
	if info != nil && info.Mode()&fs.ModeDevice != 0 {
		return "host_device"
	}
	return "file"
}

// wholeSectors returns n, the length of a file in bytes, as QEMU counts it.
func wholeSectors(n int64) int64 {
	const sector = 512
	return n + (sector-n%sector)%sector
}

// object returns in with the keys of QEMU's ImageInfo. Their order is that of
// qemu-img, for those who compare by eye.
func (in *info) object() object {
	var o object
	add := func(key string, value any) { o = append(o, member{key, value}) }
	d := in.qcow2
	add("children", list{object{{"name", "file"}, {"info", in.node()}}})
	if d != nil && d.HasBacking && d.BackingFormat != "" {
		add("backing-filename-format", d.BackingFormat)
	}
	if d != nil && len(d.Snapshots) > 0 {
		add("snapshots", eachOf(d.Snapshots, snapshotObject))
	}
	add("virtual-size", in.size)
	add("filename", in.filename)
	if d != nil {
		add("cluster-size", d.ClusterSize)
	}
	add("format", in.format)
	if in.occupied >= 0 {
		add("actual-size", in.occupied)
	}
	if d != nil {
		add("format-specific", object{{"type", in.format}, {"data", in.specific()}})
		if d.HasBacking {
			add("full-backing-filename", d.FullBackingFilename)
		}
		if d.Encrypted {
			add("encrypted", true)
		}
		if d.HasBacking {
			add("backing-filename", d.BackingFilename)
		}
	}
	add("dirty-flag", d != nil && d.Dirty)
	if in.partitions != nil { // not of QEMU, so in a key of its own
		add("partition-table", in.partitions.object())
	}
	return o
}

// node returns the file itself with the keys of QEMU's ImageInfo.
func (in *info) node() object {
	o := object{{"children", list{}}, {"virtual-size", in.length}, {"filename", in.filename}, {"format", in.protocol}}
	if in.occupied >= 0 {
		o = append(o, member{"actual-size", in.occupied})
	}
	return append(o, member{"format-specific", object{{"type", "file"}, {"data", object{}}}}, member{"dirty-flag", false})
}

// specific returns what is said of qcow2 images only.
func (in *info) specific() object {
	d := in.qcow2
	v3 := d.Compat != "0.10"
	o := object{{"compat", d.Compat}, {"compression-type", d.CompressionType}}
	if v3 {
		o = append(o, member{"lazy-refcounts", d.LazyRefcounts})
	}
	if len(d.Bitmaps) > 0 {
		o = append(o, member{"bitmaps", eachOf(d.Bitmaps, bitmapObject)})
	}
	o = append(o, member{"refcount-bits", d.RefcountBits})
	if d.DataFile != "" {
		o = append(o, member{"data-file", d.DataFile})
	}
	if d.Encrypted {
		o = append(o, member{"encrypt", in.encrypt})
	}
	if v3 {
		if d.HasDataFile {
			o = append(o, member{"data-file-raw", d.DataFileRaw})
		}
		o = append(o, member{"corrupt", d.Corrupt}, member{"extended-l2", d.ExtendedL2})
	}
	return o
}

// encryptObject returns how im is encrypted, with the keys of QEMU's
// QCryptoBlockInfoLUKS; with an error as much as is known.
func encryptObject(im *qcow2.Image, method string) (object, error) {
	h, err := im.LUKS()
	if h == nil {
		return object{{"format", method}}, err
	}
	o := object{
		{"ivgen-alg", h.IV},
		{"detached-header", false}, // none of qcow2 is
		{"hash-alg", h.Hash},
		{"cipher-alg", fmt.Sprintf("%s-%d", h.Cipher, h.KeyBits)},
		{"uuid", h.UUID},
	}
	if h.IV == "essiv" {
		o = append(o, member{"ivgen-hash-alg", h.IVHash})
	}
	slots := list{}
	for _, s := range h.Slots {
		slot := object{{"active", s.Active}}
		if s.Active {
			slot = append(slot, member{"iters", s.Iterations})
		}
		slot = append(slot, member{"key-offset", s.KeyOffset})
		if s.Active {
			slot = append(slot, member{"stripes", s.Stripes})
		}
		slots = append(slots, slot)
	}
	return append(o,
		member{"format", method},
		member{"cipher-mode", h.Mode},
		member{"slots", slots},
		member{"payload-offset", h.PayloadOffset},
		member{"master-key-iters", h.Iterations}), nil
}

func bitmapObject(b *qcow2.Bitmap) object {
	flags := list{}
	if b.InUse {
		flags = append(flags, "in-use")
	}
	if b.Auto {
		flags = append(flags, "auto")
	}
	return object{{"flags", flags}, {"name", b.Name}, {"granularity", b.Granularity}}
}

// print writes in for people, as qemu-img does (bdrv_image_info_dump).
func (in *info) print(w io.Writer) {
	disk := "unavailable"
	if in.occupied >= 0 {
		disk = humanSize(uint64(in.occupied))
	}
	fmt.Fprintf(w, "image: %s\nfile format: %s\nvirtual size: %s (%d bytes)\ndisk size: %s\n",
		shown(in.filename), in.format, humanSize(uint64(in.size)), in.size, disk)
	if in.qcow2 != nil {
		in.printQcow2(w)
	}
	fmt.Fprintf(w, "Child node '/file':\n    filename: %s\n    protocol type: %s\n    file length: %s (%d bytes)\n    disk size: %s\n",
		shown(in.filename), in.protocol, humanSize(uint64(in.length)), in.length, disk)
	if in.partitions != nil {
		in.partitions.print(w)
	}
}

// printQcow2 writes what is said of qcow2 images only.
func (in *info) printQcow2(w io.Writer) {
	d := in.qcow2
	if d.Encrypted {
		fmt.Fprintln(w, "encrypted: yes")
	}
	fmt.Fprintf(w, "cluster_size: %d\n", d.ClusterSize)
	if d.Dirty {
		fmt.Fprintln(w, "cleanly shut down: no")
	}
	if d.HasBacking {
		fmt.Fprintf(w, "backing file: %s", shown(d.BackingFilename))
		if full := d.FullBackingFilename; full != d.BackingFilename {
			fmt.Fprintf(w, " (actual path: %s)", shown(full))
		}
		fmt.Fprintln(w)
		if d.BackingFormat != "" {
			fmt.Fprintf(w, "backing file format: %s\n", shown(d.BackingFormat))
		}
	}
	if len(d.Snapshots) > 0 {
		printSnapshots(w, d.Snapshots)
	}
	fmt.Fprintln(w, "Format specific information:")
	writeHuman(w, in.specific(), "    ")
}
