package main

import (
	"io"
	"os"

	"cstructgen/qcow2"
)

// A ranger has the system copy ranges of files of an image to another file,
// which spares their way through this process; a file system that can will
// make both share the storage. It does what it can, the rest is for its user.
type ranger struct {
	dst    *os.File           // nil: it can do nothing
	files  map[int]qcow2.File // of data, by depth in the chain
	unable bool               // the system is
}

// minRange is the least that it is worth to ask the system for, in bytes: what
// is shorter is read and written together with its neighbours.
const minRange = 64 << 10

// newRanger returns a ranger from the files of an image, as [qcow2.Image.Files]
// lists them, to dst.
func newRanger(dst io.WriterAt, files []qcow2.File) *ranger {
	r := &ranger{files: map[int]qcow2.File{}}
	r.dst, _ = dst.(*os.File)
	for _, f := range files {
		r.files[f.Depth] = f // a data file comes last of its layer's
	}
	return r
}

// locate returns the file that holds the data of e, and where in it, or nil.
func (r *ranger) locate(e *qcow2.Extent) (file *os.File, at int64) {
	f := r.files[e.Depth]
	file, _ = f.Reader.(*os.File)
	if r.dst == nil || file == nil || f.Name != e.File || !e.HasOffset || !e.Data || e.Zero || e.Length < minRange {
		return nil, 0
	}
	return file, e.Offset
}

// copy copies the start of p, as much as it can, and shortens p by that. What
// the system reports is not told: who reads and writes will be told, too. It may
// not be called by two at a time.
func (r *ranger) copy(p *piece) {
	for p.n > 0 && !r.unable {
		n, err := copyRange(r.dst, p.off, p.file, p.at, p.n)
		p.off += n
		p.at += n
		p.n -= n
		r.unable = isUnable(err)
		if err != nil || n == 0 { // 0: the file has ended
			return
		}
	}
}
