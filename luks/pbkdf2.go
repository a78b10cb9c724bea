package luks

import (
	"context"
	"crypto/hmac"
	"encoding/binary"
	"hash"
)

// derivations counts the work of PBKDF2, which headers ask for, against what
// the caller allows. A unit is one evaluation of HMAC.
type derivations struct {
	left uint64
}

// cost returns what a key of n bytes costs. Neither factor is above 2^32.
func cost(newHash func() hash.Hash, iterations uint32, n int) uint64 {
	size := newHash().Size()
	return uint64(iterations) * uint64((n+size-1)/size)
}

// heartbeat is after how many evaluations of HMAC, which take milliseconds, a
// derivation looks whether it is still wanted.
const heartbeat = 1 << 12

// derive fills key by PBKDF2 (RFC 8018). It differs from crypto/pbkdf2 in that
// it ends with ctx: a header may ask for hours of work. What it leaves of key
// on an error means nothing.
func (d *derivations) derive(ctx context.Context, newHash func() hash.Hash, key, password, salt []byte, iterations uint32) error {
	d.left -= min(d.left, cost(newHash, iterations, len(key)))
	prf := hmac.New(newHash, password)
	u := make([]byte, 0, prf.Size())
	t := make([]byte, prf.Size())
	defer func() { clear(u[:cap(u)]); clear(t) }()
	for block := uint32(1); len(key) > 0; block++ {
		prf.Reset()
		prf.Write(salt)
		prf.Write(binary.BigEndian.AppendUint32(nil, block))
		u = prf.Sum(u[:0])
		copy(t, u)
		for i := uint32(1); i < iterations; i++ {
			if i%heartbeat == 0 && ctx.Err() != nil {
				return context.Cause(ctx)
			}
			prf.Reset()
			prf.Write(u)
			u = prf.Sum(u[:0])
			for j := range t {
				t[j] ^= u[j]
			}
		}
		key = key[copy(key, t):]
	}
	return context.Cause(ctx)
}
