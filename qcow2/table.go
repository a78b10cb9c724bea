package qcow2

// tables fetches bytes of tables from an image file, without knowing what
// they mean.
type tables struct {
	file  *hostFile
	cache *pageCache
}

// at returns bytes of the table what, from off on: one entry of size bytes at
// least, n bytes at most, as many as are at hand. The entry must not straddle
// pages; none does, as tables begin at clusters and sizes are powers of two.
// What is returned belongs to the cache and must not be written. A page that
// comes from the file is handed to study first, unless that is nil.
func (t *tables) at(what string, off hostOffset, size, n uint64, study func(*page)) ([]byte, error) {
	if err := t.file.require(what, off, size); err != nil {
		return nil, err
	}
	p, err := t.cache.get(what, t.file, uint64(off)>>t.cache.bits, study)
	if err != nil {
		return nil, err
	}
	i := uint64(off) & (t.cache.pageSize() - 1)
	b := p.data[i:min(uint64(len(p.data)), i+n)]
	return b[:uint64(len(b))&^(size-1)], nil
}

// entriesInPage returns how many entries of size bytes there are in a page from
// the one at off on: how far it reaches that a page cannot be read.
func (t *tables) entriesInPage(off hostOffset, size uint64) uint64 {
	page := t.cache.pageSize()
	return (page - uint64(off)&(page-1)) / size
}
