package luks

import (
	"context"
	"crypto/subtle"
	"fmt"
	"hash"
	"io"
)

// Options bound what a header may ask for. The zero value, and nil, keep to
// the defaults.
type Options struct {
	// MaxIterations is the most evaluations of HMAC that PBKDF2 may take, for
	// all slots that are tried together; 0 means 200 million. It is several
	// times what cryptsetup and QEMU ask for, who choose what takes their
	// processor two seconds a slot. Here a million take a fifth of a second with
	// sha256, two seconds with ripemd160. Slots that would exceed it are not
	// tried.
	MaxIterations uint64
}

const defaultMaxIterations = 200_000_000

// Unlock returns the cipher of the data of h, whose key the password opens. r
// is what h was read from, size its length in bytes. Where no slot opens the
// error wraps [ErrPassword], or [ErrLimit] if slots were not tried because
// they take too many iterations. It ends with ctx. The password is not kept.
func (h *Header) Unlock(ctx context.Context, r io.ReaderAt, size int64, password []byte, opts *Options) (*Cipher, error) {
	// With a key of zeros: what is not supported is refused before hours of work.
	if _, err := h.newCipher(make([]byte, h.Stored.KeyBytes)); err != nil {
		return nil, err
	}
	newHash, ok := hashes[h.Hash]
	if !ok {
		return nil, &Error{"hash_spec", OffsetofLuksPhdr_HashSpec, fmt.Sprintf("hash %q", h.Hash), ErrUnsupported}
	}
	if err := h.check(size); err != nil {
		return nil, err
	}
	u := unlocking{header: h, newHash: newHash, work: derivations{left: defaultMaxIterations}}
	if opts != nil && opts.MaxIterations > 0 {
		u.work.left = opts.MaxIterations
	}
	var skipped error
	for i, s := range h.Slots {
		if !s.Active {
			continue
		}
		if err := u.affords(i); err != nil {
			if skipped == nil {
				skipped = err
			}
			continue
		}
		c, err := u.try(ctx, r, i, password)
		if c != nil || err != nil {
			return c, err
		}
	}
	if skipped != nil {
		return nil, skipped
	}
	return nil, &Error{"key_slots", OffsetofLuksPhdr_KeySlots, "no key slot opens", ErrPassword}
}

// newCipher returns the cipher that h names, with the given master key.
func (h *Header) newCipher(key []byte) (*Cipher, error) {
	return newCipher(h.Cipher, h.Mode, h.IV, h.IVHash, key)
}

// unlocking is an attempt to find the master key of a header.
type unlocking struct {
	header  *Header
	newHash func() hash.Hash
	work    derivations
}

// affords returns an error if trying slot i takes more work than is left.
func (u *unlocking) affords(i int) error {
	p := &u.header.Stored
	need := cost(u.newHash, p.KeySlots[i].Iterations, int(p.KeyBytes))
	if need > u.work.left {
		return slotError(i, "iterations", OffsetofLuksKeySlot_Iterations,
			fmt.Sprintf("%d, %d in all, %d are left of what may be done", p.KeySlots[i].Iterations, need, u.work.left), ErrLimit)
	}
	if digest := cost(u.newHash, p.MkDigestIter, LUKS_DIGESTSIZE); digest > u.work.left-need {
		return &Error{"mk_digest_iter", OffsetofLuksPhdr_MkDigestIter,
			fmt.Sprintf("%d, %d in all, %d are left of what may be done", p.MkDigestIter, digest, u.work.left-need), ErrLimit}
	}
	return nil
}

// try returns the cipher if the password opens slot i, or nil.
func (u *unlocking) try(ctx context.Context, r io.ReaderAt, i int, password []byte) (*Cipher, error) {
	h, p := u.header, &u.header.Stored
	split := make([]byte, h.splitSize())
	defer clear(split)
	if _, err := readFull(r, split, h.Slots[i].KeyOffset); err != nil {
		return nil, slotError(i, "key_material_offset", OffsetofLuksKeySlot_KeyMaterialOffset, "reading the key material", err)
	}
	interrupted := func(err error) error {
		return slotError(i, "iterations", OffsetofLuksKeySlot_Iterations, "interrupted", err)
	}
	key := make([]byte, p.KeyBytes)
	defer clear(key)
	s := &p.KeySlots[i]
	if err := u.work.derive(ctx, u.newHash, key, password, s.Salt[:], s.Iterations); err != nil {
		return nil, interrupted(err)
	}
	c, err := h.newCipher(key)
	if err != nil {
		return nil, err
	}
	c.decrypt(split, 0)
	c.Close()

	master := merge(split, u.newHash())
	defer clear(master)
	var digest [LUKS_DIGESTSIZE]byte
	if err := u.work.derive(ctx, u.newHash, digest[:], master, p.MkDigestSalt[:], p.MkDigestIter); err != nil {
		return nil, interrupted(err)
	}
	if subtle.ConstantTimeCompare(digest[:], p.MkDigest[:]) == 0 {
		return nil, nil
	}
	c, err = h.newCipher(master)
	if err != nil {
		return nil, err
	}
	c.slot = i
	return c, nil
}
