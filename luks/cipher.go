package luks

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"sync"

	//lint:ignore SA1019 volumes have it
	"golang.org/x/crypto/cast5"
	//lint:ignore SA1019 volumes have it
	"golang.org/x/crypto/twofish"
)

// Modes, by their names in cipher_mode.
const (
	modeECB = "ecb"
	modeCBC = "cbc"
	modeXTS = "xts"
)

// A blockCipher is a cipher that headers may name.
type blockCipher struct {
	blockSize int
	keySizes  []int // in bytes
	new       func(key []byte) (cipher.Block, error)
}

var blockCiphers = map[string]blockCipher{
	"aes":     {aes.BlockSize, []int{16, 24, 32}, aes.NewCipher},
	"twofish": {twofish.BlockSize, []int{16, 24, 32}, func(key []byte) (cipher.Block, error) { return twofish.NewCipher(key) }},
	"cast5":   {cast5.BlockSize, []int{cast5.KeySize}, func(key []byte) (cipher.Block, error) { return cast5.NewCipher(key) }},
}

// A Cipher decrypts sectors of LUKS_SECTOR_SIZE bytes, each by its number. Its
// methods may be called concurrently.
type Cipher struct {
	mu     sync.RWMutex // held for reading while decrypting
	closed bool

	mode    string
	block   cipher.Block // of the data
	tweak   cipher.Block // of the second half of the key; only in mode xts
	iv      ivMaker
	slot    int
	scratch sync.Pool // of *whitening
}

// A whitening is what blocks of a sector are combined with: in mode xts before
// and after they are decrypted, in mode cbc after. In mode cbc it is the IV and
// the sector as it was, in mode xts the IV, encrypted, times the powers of two.
type whitening [LUKS_SECTOR_SIZE + aes.BlockSize]byte

// NewCipher returns the cipher of the given name, such as "aes", in the given
// mode, such as "xts-plain64" or "cbc-essiv:sha256", with the given key, which
// it does not keep. Names are those of headers, and of Linux's dm-crypt.
func NewCipher(name, mode string, key []byte) (*Cipher, error) {
	mode, iv, ivHash := cutMode(mode)
	return newCipher(name, mode, iv, ivHash, key)
}

func newCipher(name, mode, iv, ivHash string, key []byte) (*Cipher, error) {
	kind, ok := blockCiphers[name]
	if !ok {
		return nil, &Error{"cipher_name", OffsetofLuksPhdr_CipherName, fmt.Sprintf("cipher %q", name), ErrUnsupported}
	}
	c := &Cipher{mode: mode}
	c.scratch.New = func() any { return new(whitening) }
	keys := 1
	switch {
	case mode == modeXTS && kind.blockSize == aes.BlockSize:
		keys = 2
	case mode == modeECB, mode == modeCBC:
	default:
		return nil, modeError(fmt.Sprintf("mode %q of cipher %q", mode, name), ErrUnsupported)
	}
	size := len(key) / keys
	data, err := kind.new(key[:size])
	if err != nil || size*keys != len(key) {
		return nil, &Error{"key_bytes", OffsetofLuksPhdr_KeyBytes,
			fmt.Sprintf("%d: cipher %q takes %v, in mode xts twice that", len(key), name, kind.keySizes), ErrCorrupt}
	}
	c.block = data
	if mode == modeXTS {
		c.tweak, err = kind.new(key[size:])
		if err != nil {
			return nil, err // of the same length as the first
		}
	}
	if mode == modeECB && iv == "" {
		return c, nil // cryptsetup writes the mode so
	}
	c.iv, err = newIVMaker(iv, ivHash, key, kind.new)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Slot returns the number of the key slot that the password opened, from 0 on.
func (c *Cipher) Slot() int { return c.slot }

// Decrypt decrypts the sectors in p, the first of which has the given number.
// The length of p is a multiple of LUKS_SECTOR_SIZE. After Close it returns
// [fs.ErrClosed].
func (c *Cipher) Decrypt(p []byte, sector uint64) error {
	if len(p)%LUKS_SECTOR_SIZE != 0 {
		return fmt.Errorf("luks: decrypting %d bytes, which are not whole sectors: %w", len(p), fs.ErrInvalid)
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return fs.ErrClosed
	}
	c.decrypt(p, sector)
	return nil
}

// decrypt is Decrypt for any number of whole blocks.
func (c *Cipher) decrypt(p []byte, sector uint64) {
	w := c.scratch.Get().(*whitening)
	defer c.scratch.Put(w)
	for ; len(p) > 0; sector++ {
		n := min(len(p), LUKS_SECTOR_SIZE)
		c.sector(p[:n], sector, w)
		p = p[n:]
	}
}

// sector decrypts one sector, or the start of one. Blocks are decrypted in
// place, one call each, which is all that crypto/aes offers and most of the
// work; whatever else there is to do is done for all of them at once.
func (c *Cipher) sector(p []byte, number uint64, w *whitening) {
	size := c.block.BlockSize()
	switch c.mode {
	case modeCBC:
		c.iv.put(w[:size], number)
		copy(w[size:], p)
	case modeXTS:
		c.iv.put(w[:size], number)
		c.tweak.Encrypt(w[:size], w[:size])
		double((*[LUKS_SECTOR_SIZE]byte)(w[:]))
		subtle.XORBytes(p, p, w[:])
	}
	for at := 0; at < len(p); at += size {
		b := p[at : at+size : at+size]
		c.block.Decrypt(b, b)
	}
	if c.mode != modeECB {
		subtle.XORBytes(p, p, w[:])
	}
}

// double makes each block of w, from the second on, twice the one before, in
// the field of 2^128 elements that XTS (IEEE 1619) counts in.
func double(w *[LUKS_SECTOR_SIZE]byte) {
	const reduction = 0x87 // x^7 + x^2 + x + 1
	lo, hi := binary.LittleEndian.Uint64(w[:]), binary.LittleEndian.Uint64(w[8:])
	for at := aes.BlockSize; at < len(w); at += aes.BlockSize {
		carry := uint64(int64(hi) >> 63) // all ones, or zero
		hi = hi<<1 | lo>>63
		lo = lo<<1 ^ carry&reduction
		b := w[at : at+aes.BlockSize]
		binary.LittleEndian.PutUint64(b, lo)
		binary.LittleEndian.PutUint64(b[8:], hi)
	}
}

// ReadSectors fills p with the plain bytes that r holds encrypted from off on.
// They may begin and end inside sectors. sector is the number of the first
// one, which begins at a multiple of LUKS_SECTOR_SIZE of r; what r holds of the
// last one must be whole. It returns how many bytes are right before an error.
// It allocates nothing.
func (c *Cipher) ReadSectors(r io.ReaderAt, p []byte, off int64, sector uint64) (int, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return 0, fs.ErrClosed
	}
	n := 0
	for n < len(p) {
		at := off + int64(n)
		in := int(at % LUKS_SECTOR_SIZE)
		number := sector + uint64(at/LUKS_SECTOR_SIZE-off/LUKS_SECTOR_SIZE)
		if whole := (len(p) - n) &^ (LUKS_SECTOR_SIZE - 1); in == 0 && whole > 0 {
			m, err := readFull(r, p[n:n+whole], at)
			m &^= LUKS_SECTOR_SIZE - 1
			c.decrypt(p[n:n+m], number)
			n += m
			if err != nil {
				return n, err
			}
			continue
		}
		m, err := c.readPart(r, p[n:], at-int64(in), in, number)
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// sectors holds single sectors while parts of them are read.
var sectors = sync.Pool{New: func() any { return new([LUKS_SECTOR_SIZE]byte) }}

// readPart copies to p what the sector at off holds from in on.
func (c *Cipher) readPart(r io.ReaderAt, p []byte, off int64, in int, number uint64) (int, error) {
	b := sectors.Get().(*[LUKS_SECTOR_SIZE]byte)
	defer sectors.Put(b)
	if _, err := readFull(r, b[:], off); err != nil {
		return 0, err
	}
	c.decrypt(b[:], number)
	return copy(p, b[in:]), nil
}

// Close waits for what is being decrypted and overwrites the keys.
func (c *Cipher) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return fs.ErrClosed
	}
	c.closed = true
	for _, b := range []cipher.Block{c.block, c.tweak, c.iv.essiv} {
		wipe(b)
	}
	return nil
}

// wipe overwrites the round keys of b, which it has no method for.
func wipe(b cipher.Block) {
	if v := reflect.ValueOf(b); v.Kind() == reflect.Pointer {
		v.Elem().SetZero()
	}
}
