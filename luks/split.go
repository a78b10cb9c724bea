package luks

import (
	"crypto/subtle"
	"encoding/binary"
	"hash"
)

// merge returns the key that split holds in LUKS_STRIPES pieces: each but the
// last is added to the sum of those before it, and the sum diffused; the last
// one makes the sum the key. It is the inverse of the specification's AFsplit.
func merge(split []byte, h hash.Hash) []byte {
	size := len(split) / LUKS_STRIPES
	key := make([]byte, size)
	buf := make([]byte, 4+h.Size())
	defer clear(buf)
	for i := range LUKS_STRIPES - 1 {
		subtle.XORBytes(key, key, split[i*size:][:size])
		diffuse(key, h, buf)
	}
	subtle.XORBytes(key, key, split[(LUKS_STRIPES-1)*size:])
	return key
}

// diffuse replaces each piece of p, as long as a digest, by the digest of its
// number and itself. The last may be shorter, and has the start of its digest.
// buf has room for a number and a digest.
func diffuse(p []byte, h hash.Hash, buf []byte) {
	number, digest := buf[:4], buf[4:]
	for i := uint32(0); len(p) > 0; i++ {
		piece := p[:min(len(p), h.Size())]
		binary.BigEndian.PutUint32(number, i)
		h.Reset()
		h.Write(number)
		h.Write(piece)
		copy(piece, h.Sum(digest[:0]))
		p = p[len(piece):]
	}
}
