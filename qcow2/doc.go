// Package qcow2 reads the disk images of QEMU: qcow2, versions 2 and 3, with
// backing chains, external data files, compressed clusters, extended L2
// entries.
//
// It reads and nothing else: it writes no image, runs no guest, and opens no
// file that an image names unless [Options] allow it. Encrypted images open
// without a password for their metadata; reading encrypted data without it
// fails with [ErrPassword].
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
// defs_gen.go, which is generated from defs/qcow2.h.
//
// Images are expected to be hostile. Every offset is checked against the file
// before it is used, nothing is allocated for a table before it is known to be
// inside the file, and memory stays within [Options] CacheBytes, plus three
// clusters for each read under way, plus the header extensions, which lie in
// the first cluster of each layer. Lists (snapshots, bitmaps) take what they
// take in the file. The files must not change while an image is open: what it
// remembers of them is not asked again.
//
// The specification is docs/interop/qcow2.txt of QEMU. Where images in the
// world rely on what QEMU does beyond it, QEMU's function is named.
package qcow2
