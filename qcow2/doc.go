// Package qcow2 reads the disk images of QEMU: qcow2, versions 2 and 3, with
// backing chains, external data files, compressed clusters, extended L2
// entries, snapshots, bitmaps, encryption. It reads and nothing else: it
// writes no image and runs no guest.
//
// # Opening and reading
//
// [Open] takes a file name, [New] any [io.ReaderAt] and its size. What they
// return is the disk:
//
//	img, err := qcow2.Open("disk.qcow2", nil)
//	if err != nil {
//		return err
//	}
//	defer img.Close()
//	n, err := img.ReadAt(p, off)
//
// An [Image] is an [io.ReaderAt] of [Image.Size] bytes, so that
// io.NewSectionReader makes of it what any other code reads: file systems,
// partition tables (package cstructgen/gpt), hashes. [Image.WriteTo] writes the
// whole disk, in order, on all processors, and large reads of compressed data
// use them, too. All methods may be called concurrently. Opening costs the header and what it names: an image of terabytes
// opens like a small one.
//
// # Files that an image names
//
// An image may name a backing file, whose bytes show through where it has none
// of its own, and a data file. Such a name is a wish of whoever made the image,
// and is obeyed only as far as [Options] say: AllowDirs are directories under
// which names are looked for, OpenFile is a function that opens them, Backing
// and DataFile are files opened already. Without any of these no file is
// opened but the image itself. It can be looked at all the same; a read that
// needs the file fails with a [*ReferenceError], and never returns zeros in its
// place.
//
// The format of a backing file is what the overlay says. An overlay that does
// not say is refused unless Options name the format: one that is guessed from
// a file's content is chosen by whoever writes that content, a guest perhaps.
//
// [Image.Files] lists what was opened, [Image.BackingError] says why something
// was not.
//
// # Where bytes are
//
// [Image.Extents] walks over the disk as "qemu-img map" does: each [Extent] is
// data or zeros, in a layer of the chain, at a place of a file if it has one.
// It takes no look at the data. Who copies a disk skips the zeros; who scans
// one skips what is not allocated.
//
// # Snapshots and bitmaps
//
// [Image.Snapshots] lists the snapshots inside the image;
// [Image.OpenSnapshot] gives the disk as it was then, an [Image] like any
// other, and [Image.OpenVMState] the state of the machine that it ran.
// [Image.Bitmaps] lists what records writes, and [Image.DirtyRanges] what was
// written.
//
// # Encryption
//
// An encrypted image opens without its password, for all but its data. The
// password is given in Options, or to [Image.Unlock]; without it a read fails
// with [ErrPassword]. Layers of a chain may have passwords of their own.
//
// # Images from strangers
//
// Images are expected to be made to do harm. Every offset is checked against
// the file before it is used, and nothing is allocated for a table before it
// is known to lie inside. [Image.Safety], or [SafetyOf] without opening
// anything, tells what an image would ask of others that open it: files,
// features, more room than its file has. [Image.Check] compares its structures
// as "qemu-img check" does. Names and texts from an image are as they are
// stored, and are not to be printed or joined to paths unseen.
//
// # Errors
//
// Errors about an image wrap one of the sentinels: [ErrFormat],
// [ErrUnsupported], [ErrCorrupt], [ErrTruncated], [ErrLimit], [ErrReference],
// [ErrPassword]. Nearly all are an [*Error], which says what is wrong, at which
// offset, and which value was found. Errors of the reader below are wrapped and
// not remembered: the next read asks again. What is broken fails who asks for
// it: with a broken snapshot table the disk still reads. A damaged disk can be
// read as far as it goes: see Salvage in [Options].
//
// # Memory
//
// Tables and decompressed clusters of all layers stay within [Options]
// CacheBytes, 64 MiB unless told otherwise. Beside that there are three
// clusters for each read under way, and the header extensions, which lie in
// the first cluster of each layer and take 16 MiB at most. Lists (snapshots, bitmaps) take what they
// take in the file; a check counts within [CheckOptions] MemoryLimit. The files
// must not change while an image is open: what it remembers of them is not
// asked again.
//
// # How it is built
//
//	file bytes -> header -> geometry
//	ReadAt -> mapping <- L2 tables <- L1 table
//	          mapping -> run -> data | zeros | backing file | compressed cluster -> bytes
//
// Each arrow is a room of its own. A geometry is the arithmetic of a cluster
// size. A classifier says what an L2 entry means. Tables are fetched by who
// does not know what their entries mean; a mapping gives them meaning and
// moves no bytes; reading moves bytes and looks at no entry. Nothing here
// holds an offset, mask or size of the format by hand: they are in
// defs_gen.go, which is generated from defs/qcow2.h, and are exported for those
// who look at images byte by byte: QCowHeader and its kin, with their Decode,
// and the LayoutOf tables of their fields.
//
// The specification is docs/interop/qcow2.txt of QEMU. Where images in the
// world rely on what QEMU does beyond it, QEMU's function is named.
package qcow2
