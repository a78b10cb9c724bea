package qcow2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"cstructgen/luks"
)

// Methods of encryption, as Description and EncryptedLayer name them.
const (
	encryptionAES  = "aes"
	encryptionLUKS = "luks"
)

// An EncryptedLayer is a layer of a chain whose data takes a password.
type EncryptedLayer struct {
	Depth  int    // 0 is the image itself
	Name   string // of the file, as it was opened; may be empty
	Method string // "aes" or "luks"
}

// An encryption is what a layer knows of the key of its data. The layer's
// snapshots share it.
type encryption struct {
	layer  EncryptedLayer
	cipher atomic.Pointer[luks.Cipher] // nil until there was a password
	source io.ReaderAt                 // of the encrypted data
	guest  bool                        // sectors are numbered as on the disk, not as in the file
}

// newEncryption returns the encryption of im, or nil if it has none.
func newEncryption(im *Image, depth int) *encryption {
	c := &encryption{layer: EncryptedLayer{Depth: depth, Name: im.file.name, Method: im.encryptionMethod()}}
	if c.layer.Method == "" {
		return nil
	}
	c.guest = c.layer.Method == encryptionAES
	c.source = &filePart{file: im.data, what: whatData, padded: im.hasDataFile()}
	return c
}

func (im *Image) encryptionMethod() string {
	switch im.header.CryptMethod {
	case QCOW_CRYPT_AES:
		return encryptionAES
	case QCOW_CRYPT_LUKS:
		return encryptionLUKS
	}
	return ""
}

// read fills p with what the data at host, which is off of the disk, decrypts
// to. What cannot be read is lost, if f allows that.
func (c *encryption) read(f *hostFile, p []byte, host hostOffset, off guestOffset) (int, error) {
	cipher := c.cipher.Load()
	if cipher == nil {
		return 0, f.errorAt("data encrypted with "+c.layer.Method, host, 0, "", ErrPassword)
	}
	n, err := c.decrypt(cipher, p, host, off)
	if err == nil || f.salvage == nil {
		return n, err
	}
	for n < len(p) {
		host, off := host+hostOffset(n), off+guestOffset(n)
		unit := p[n:min(len(p), n+salvageUnit-int(host%salvageUnit))]
		m, err := c.decrypt(cipher, unit, host, off)
		if errors.Is(err, ErrTruncated) {
			unit = p[n:] // nothing comes after the end
		}
		if err != nil {
			f.lose(unit[m:], off+guestOffset(m), err)
		}
		n += len(unit)
	}
	return n, nil
}

// decrypt is read without losses. Specification: "Encryption", and QEMU's
// qcow2_co_encdec.
func (c *encryption) decrypt(cipher *luks.Cipher, p []byte, host hostOffset, off guestOffset) (int, error) {
	sector := uint64(host) / sectorSize
	if c.guest {
		sector = uint64(off) / sectorSize
	}
	return cipher.ReadSectors(c.source, p, int64(host), sector)
}

// Close overwrites the key.
func (c *encryption) Close() error {
	if cipher := c.cipher.Load(); cipher != nil {
		return cipher.Close()
	}
	return nil
}

// Unlock gives passwords to the encrypted layers of the chain that have none
// yet: it asks for each, from the top on. A password of nil leaves a layer as
// it is. With LUKS a wrong one is an error that wraps [ErrPassword]; with AES it
// cannot be noticed, and the data decrypts to noise. LUKS takes as long as the
// image says, seconds as a rule, and ends with ctx.
func (im *Image) Unlock(ctx context.Context, password func(EncryptedLayer) ([]byte, error)) error {
	if err := im.chain.enter(); err != nil {
		return err
	}
	im.chain.leave() // the image is not held while somebody types
	for l := im; l != nil; l = l.Backing() {
		if err := l.unlock(ctx, password); err != nil {
			return err
		}
	}
	return nil
}

// unlock is Unlock for one layer.
func (im *Image) unlock(ctx context.Context, password func(EncryptedLayer) ([]byte, error)) error {
	c := im.crypt
	if c == nil || password == nil || c.cipher.Load() != nil {
		return nil
	}
	secret, err := password(c.layer)
	if err != nil {
		return fmt.Errorf("qcow2: %q: password: %w", im.file.shown, err)
	}
	if secret == nil {
		return nil
	}
	if err := im.chain.enter(); err != nil {
		return err
	}
	defer im.chain.leave()
	var cipher *luks.Cipher
	if c.guest {
		cipher, err = legacyCipher(secret)
	} else {
		cipher, err = im.luksCipher(ctx, secret)
	}
	if err != nil {
		return err
	}
	if !c.cipher.CompareAndSwap(nil, cipher) {
		return cipher.Close() // somebody was faster
	}
	return nil
}

// legacyCipher returns the cipher of encryption method AES: with 128 bits,
// whatever the specification says, which are the password itself, cut or filled
// up with zeros (qcrypto_block_qcow_init).
func legacyCipher(password []byte) (*luks.Cipher, error) {
	var key [16]byte
	defer clear(key[:])
	copy(key[:], password)
	return luks.NewCipher("aes", "cbc-plain64", key[:])
}

// luksCipher unlocks the LUKS header of im.
func (im *Image) luksCipher(ctx context.Context, password []byte) (*luks.Cipher, error) {
	h, err := im.readLUKS()
	if err != nil {
		return nil, err
	}
	off, n := im.luksArea()
	r := &filePart{file: im.file, what: whatLUKS, base: off}
	c, err := h.Unlock(ctx, r, int64(im.file.clip(off, n)), password, &luks.Options{MaxIterations: im.chain.maxIterations})
	if err != nil {
		return nil, im.luksError(err)
	}
	return c, nil
}

// luksError makes err, which package luks returned, one of this package.
func (im *Image) luksError(err error) error {
	if ours := (*Error)(nil); errors.As(err, &ours) {
		return ours // of reading the file
	}
	var kind error // none where it is the context's
	for _, k := range []struct{ theirs, ours error }{
		{luks.ErrFormat, ErrCorrupt},
		{luks.ErrCorrupt, ErrCorrupt},
		{luks.ErrUnsupported, ErrUnsupported},
		{luks.ErrTruncated, ErrTruncated},
		{luks.ErrLimit, ErrLimit},
		{luks.ErrPassword, ErrPassword},
	} {
		if errors.Is(err, k.theirs) {
			kind = k.ours
		}
	}
	if kind != nil {
		err = fmt.Errorf("%w: %w", kind, err)
	}
	off, _ := im.luksArea()
	return im.file.errorAt(whatLUKS, off, 0, "", err)
}

// A filePart is a file from base on, as a reader. Its errors are those of
// hostFile.
type filePart struct {
	file   *hostFile
	what   string
	base   hostOffset
	padded bool // zeros behind the end
}

func (r *filePart) ReadAt(p []byte, off int64) (int, error) {
	if r.padded {
		return r.file.readPadded(r.what, p, r.base+hostOffset(off))
	}
	return r.file.read(r.what, p, r.base+hostOffset(off))
}
