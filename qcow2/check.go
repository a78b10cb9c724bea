package qcow2

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
)

// CheckOptions say what a check may use, and who listens. The zero value, and
// nil, mean the defaults.
type CheckOptions struct {
	// MemoryLimit is the most that counting may take, in bytes; 0 means 1 GiB.
	// It takes a little more than two bytes for each cluster in use: 34 MiB
	// for a terabyte in clusters of 64 KiB.
	MemoryLimit int64
	// MaxFindings is how many findings CheckResult holds at most; 0 means
	// 1000. All are counted.
	MaxFindings int
	// Report, if not nil, is called with each finding.
	Report func(Finding)
	// Progress, if not nil, is called now and then, with done rising to total:
	// clusters of the disk and of the file, as far as they were looked at.
	Progress func(done, total int64)
}

const (
	defaultCheckMemory = 1 << 30
	defaultMaxFindings = 1000
)

// A CheckResult says whether the structures of an image agree with each other,
// in the numbers of "qemu-img check".
type CheckResult struct {
	ImageEndOffset int64 // end of the last cluster in use, in bytes
	Corruptions    int64 // findings of SeverityCorruption: data may be wrong, or become so
	Leaks          int64 // clusters that are lost, but do no harm
	CheckErrors    int64 // things that could not be checked

	TotalClusters      int64 // of the disk
	AllocatedClusters  int64 // of the disk that have a place in the file
	FragmentedClusters int64 // of these, not behind the one before
	CompressedClusters int64 // of these, compressed

	Findings []Finding // the first CheckOptions.MaxFindings
}

// Clean reports whether nothing was found to be wrong.
func (r *CheckResult) Clean() bool { return r.Corruptions == 0 && r.Leaks == 0 && r.CheckErrors == 0 }

// Check compares the structures of the image file with each other, as
// "qemu-img check" does: every reference to a cluster is counted, from the
// header, the L1 and L2 tables of the disk and of snapshots, the snapshot
// table, the bitmaps, the LUKS header and the refcount structures, and the
// counts are held against the refcounts; the entries of all tables are looked
// at, too. The backing file and the data file take no part, and no data is
// read. Only this layer is checked: [Image.Backing] leads to the next.
//
// An error says that the check came to no end: ctx was done, the file could
// not be read, the snapshot table or the bitmap directory is broken so that
// nobody knows what there is to count, or a limit was reached (ErrLimit): of
// CheckOptions, of 1<<31-1 clusters in the file, which is QEMU's, or of tables
// that lie over each other. The result is nil then. What is wrong with the
// image otherwise is in the result.
//
// Every table is read once or twice, however many snapshots share it, and the
// refcounts once: time is linear in the length of the file. An image whose
// tables lie over each other, which none does that is not damaged, may have
// them read again and again until that is twice the length of the file, and
// 1 MiB, in addition.
//
// Specification: "Host cluster management". QEMU: qcow2_co_check.
func (im *Image) Check(ctx context.Context, opts *CheckOptions) (*CheckResult, error) {
	c := newChecker(ctx, im, opts)
	if err := c.run(); err != nil {
		return nil, err
	}
	return c.result, nil
}

// newChecker returns a check that is yet to run.
func newChecker(ctx context.Context, im *Image, opts *CheckOptions) *checker {
	c := &checker{im: im, ctx: ctx, file: im.file, result: new(CheckResult)}
	if opts != nil {
		c.opts = *opts
	}
	if c.opts.MemoryLimit <= 0 {
		c.opts.MemoryLimit = defaultCheckMemory
	}
	if c.opts.MaxFindings <= 0 {
		c.opts.MaxFindings = defaultMaxFindings
	}
	return c
}

// A checker is a check under way.
type checker struct {
	mapping
	im     *Image
	ctx    context.Context
	opts   CheckOptions
	file   *hostFile
	result *CheckResult

	refs      *references
	blocks    []uint64 // the refcount table, as far as it is in the file
	snapshots []Snapshot

	weight  uint64              // how often what is walked counts
	active  bool                // the tables that are walked are the disk's
	again   map[uint64]uint64   // L2 tables, by cluster, that snapshots share: how often they still count
	dirty   map[uint64]struct{} // L2 tables with findings: walked each time
	excess  uint64              // bytes of tables that may still be read again
	table   []byte              // a cluster, for an L2 table or a refcount block
	near    []byte              // refcounts, of those that were looked at last
	nearAt  uint64              // where they lie
	window  [16 * pageSize]byte // for tables of any length
	done    uint64              // of total
	total   uint64
	missing uint64 // up to where the disk needs the file for data, if it ends before
}

// excessTables is how many bytes of tables are read again, beside twice the
// length of the file.
const excessTables = 1 << 20

func (c *checker) run() error {
	im, f := c.im, c.file
	if im.readErr != nil {
		return im.readErr // header fields that contradict each other
	}
	c.mapping = im.active
	// A snapshot's view checks the file, too, which has one L1 table that is
	// active.
	c.l1Offset, c.l1Size = hostOffset(im.header.L1TableOffset), uint64(im.header.L1Size)
	clusters := ceilDiv(f.size, c.clusterSize())
	if clusters > math.MaxInt32 {
		return f.errorAt("file", 0, clusters, fmt.Sprintf("clusters, at most %d can be checked", math.MaxInt32), ErrLimit)
	}
	if err := im.checkRefcountTable(); err != nil {
		return err
	}
	var err error
	if c.snapshots, err = im.Snapshots(); err != nil {
		return err
	}
	c.refs = newReferences(clusters, maxRefcount(im.header.RefcountOrder), uint64(c.opts.MemoryLimit))
	c.excess = 2*f.size + excessTables
	c.table = make([]byte, c.clusterSize())
	c.again, c.dirty = make(map[uint64]uint64), make(map[uint64]struct{})
	c.weight = 1
	c.plan(clusters)
	c.result.TotalClusters = int64(ceilDiv(im.header.Size, c.clusterSize()))
	for _, step := range []func() error{
		c.countDisk, c.countSnapshots, c.countRefcountTable, c.countEncryption, c.countBitmaps,
		c.countRefcountBlocks, c.compare, c.checkCopied,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	c.progress(c.total - c.done)
	return nil
}

// maxL1Entries is the most that an L1 table has.
const maxL1Entries = QCOW_MAX_L1_SIZE / L1E_SIZE

// plan sets what progress is measured against: entries of L1 tables, walked
// in two ways, and clusters.
func (c *checker) plan(clusters uint64) {
	c.total = 2*c.l1Size*c.l2Entries() + clusters
	for i := range c.snapshots {
		c.total += min(uint64(c.snapshots[i].Header.L1Size), maxL1Entries) * c.l2Entries()
	}
}

// progress counts n more as done.
func (c *checker) progress(n uint64) {
	c.done = min(c.done+n, c.total)
	if c.opts.Progress != nil {
		c.opts.Progress(int64(c.done), int64(c.total))
	}
}

// find counts a finding.
func (c *checker) find(f Finding) {
	f.Times = max(f.Times, 1)
	switch r := c.result; f.Severity() {
	case SeverityCorruption:
		r.Corruptions += int64(f.Times)
	case SeverityLeak:
		r.Leaks++
	default:
		r.CheckErrors++
	}
	if len(c.result.Findings) < c.opts.MaxFindings {
		c.result.Findings = append(c.result.Findings, f)
	}
	if c.opts.Report != nil {
		c.opts.Report(f)
	}
}

// read fills p from the file, and with zeros from its end on, unless the
// check is to end.
func (c *checker) read(what string, p []byte, off uint64) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	if err := c.im.chain.enter(); err != nil {
		return err
	}
	defer c.im.chain.leave()
	_, err := c.file.readPadded(what, p, hostOffset(off))
	return err
}

// readAgain takes n bytes from what may be read again.
func (c *checker) readAgain(what string, off, n uint64) error {
	if n > c.excess {
		return c.file.errorAt(what, hostOffset(off), n, "bytes, which is too much for tables that lie over each other", ErrLimit)
	}
	c.excess -= n
	return nil
}

// wordSize is the size of an entry of an L1 table, a refcount table (see
// REFTABLE_ENTRY_SIZE) and a bitmap table: one big-endian word.
const wordSize = L1E_SIZE

// words calls do with the index and the value of each entry that is not 0 of
// the table at off, which is none of L2. What lies past the end of the file is
// 0. do must not call words.
func (c *checker) words(what string, off, entries uint64, do func(i, entry uint64) error) error {
	entries = min(entries, ceilDiv(c.file.clip(hostOffset(off), entries*wordSize), wordSize))
	if err := c.readAgain(what, off, entries*wordSize); err != nil {
		return err
	}
	for i := uint64(0); i < entries; {
		b := c.window[:min(uint64(len(c.window)), (entries-i)*wordSize)]
		if err := c.read(what, b, off+i*wordSize); err != nil {
			return err
		}
		for ; len(b) > 0; b = b[wordSize:] {
			if entry := binary.BigEndian.Uint64(b); entry != 0 {
				if err := do(i, entry); err != nil {
					return err
				}
			}
			i++
		}
	}
	return nil
}
