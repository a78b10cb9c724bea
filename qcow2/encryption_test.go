package qcow2

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"testing"

	"cstructgen/luks"
)

// luksPassword opens the volume that luksVolume returns.
const luksPassword = "open sesame"

// luksVolume returns a LUKS header with its key material, made by QEMU.
func luksVolume(t testing.TB) []byte {
	t.Helper()
	file := gunzip(t, "../luks/testdata/qemu.luks.gz")
	h, err := luks.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	return file[:h.PayloadOffset]
}

// encryptLUKS makes b the builder of an image with a LUKS header, and returns
// what its data decrypts to.
func encryptLUKS(b *builder) *luks.Cipher {
	b.t.Helper()
	volume := luksVolume(b.t)
	h, err := luks.Parse(volume)
	if err != nil {
		b.t.Fatal(err)
	}
	c, err := h.Unlock(context.Background(), bytes.NewReader(volume), int64(len(volume)), []byte(luksPassword), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	off := b.alloc()
	for range (len(volume) - 1) >> b.header.ClusterBits {
		b.alloc()
	}
	copy(b.file[off:], volume)
	b.header.CryptMethod = QCOW_CRYPT_LUKS
	data, _ := (&Qcow2CryptoHeaderExtension{Offset: uint64(off), Length: uint64(len(volume))}).MarshalBinary()
	b.extend(QCOW2_EXT_MAGIC_CRYPTO_HEADER, data)
	return c
}

// luksPlain returns what data at host of the file, in sectors, decrypts to.
func luksPlain(t testing.TB, c *luks.Cipher, data []byte, host hostOffset) []byte {
	t.Helper()
	p := bytes.Clone(data)
	if err := c.Decrypt(p, uint64(host)/512); err != nil {
		t.Fatal(err)
	}
	return p
}

// aesEncrypted returns what QEMU's old encryption makes of the data of the
// disk from off on.
func aesEncrypted(t testing.TB, password string, plain []byte, off uint64) []byte {
	t.Helper()
	key := append([]byte(password), make([]byte, 16)...)[:16]
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(plain))
	for at := 0; at < len(plain); at += 512 {
		iv := binary.LittleEndian.AppendUint64(nil, off/512+uint64(at/512))
		cipher.NewCBCEncrypter(block, append(iv, make([]byte, 8)...)).CryptBlocks(out[at:at+512], plain[at:at+512])
	}
	return out
}

// checkDisk compares the whole disk, read at once and in odd pieces.
func checkDisk(t *testing.T, im *Image, want []byte) {
	t.Helper()
	if got := readAll(t, im); !bytes.Equal(got, want) {
		t.Errorf("the disk differs from byte %d on", differ(got, want))
	}
	p := make([]byte, 777)
	for off := 0; off < len(want); off += len(p) {
		n, _ := im.ReadAt(p, int64(off))
		if w := want[off:min(off+len(p), len(want))]; !bytes.Equal(p[:n], w) {
			t.Fatalf("ReadAt(%d bytes, %d): %d bytes, %d of them right", len(p), off, n, differ(p[:n], w))
		}
	}
}

func differ(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// Of an image with LUKS only what is stored plainly in clusters is encrypted:
// not zeros, nothing that is compressed, nothing of the backing file.
func TestLUKSData(t *testing.T) {
	const size = 1 << 14
	backing := text(8*size, 5)
	for _, r := range []recipe{{}, {version: QCOW2_VERSION_2}, {extended: true}, {dataFile: "data"}} {
		r.bits, r.size, r.backing, r.format = 14, 8*size-1000, "raw", formatRaw
		t.Run(fmt.Sprintf("%+v", r), func(t *testing.T) {
			b := newBuilder(t, r)
			c := encryptLUKS(b)
			defer c.Close()
			want := bytes.Clone(backing[:r.size])
			stored := text(len(want)+1000, 77)
			dataFile := make([]byte, 8*size)
			place := func(cluster uint64) { // a cluster of data
				at := cluster * size
				host := hostOffset(at)
				if r.dataFile != "" {
					b.entry(cluster, at|QCOW_OFLAG_COPIED, 0)
					copy(dataFile[at:], stored[at:at+size])
				} else {
					host = b.data(cluster, stored[at:at+size])
				}
				copy(want[at:], luksPlain(t, c, stored[at:at+size], host))
			}
			for _, cluster := range []uint64{0, 1, 5, 7} {
				place(cluster)
			}
			if r.dataFile == "" {
				b.compressed(2, text(size, 3))
				copy(want[2*size:], text(size, 3))
			}
			switch {
			case r.extended: // half a cluster of data, zeros, the backing file
				off := b.put(stored[3*size : 4*size])
				b.entry(3, uint64(off)|QCOW_OFLAG_COPIED, 0xf<<32<<16|0xff)
				clear(want[3*size+16*512 : 3*size+20*512])
				copy(want[3*size:3*size+8*512], luksPlain(t, c, stored[3*size:4*size], off))
			case r.version != QCOW2_VERSION_2:
				b.entry(3, QCOW_OFLAG_ZERO, 0)
				clear(want[3*size : 4*size])
			}
			opts := &Options{
				Backing: source("raw", backing), DataFile: source("data", dataFile),
				Password: []byte(luksPassword),
			}
			im := b.image(opts)
			checkDisk(t, im, want)
			for e, err := range im.Extents(0, im.Size()) {
				if err != nil || e.Depth == 0 && (e.HasOffset || e.File != "") {
					t.Errorf("extent %+v, %v", e, err)
				}
			}
			locked(t, b, opts, 5*size)
		})
	}
}

// locked checks what is left of an image, with data at off, without its password.
func locked(t *testing.T, b *builder, opts *Options, off int64) {
	t.Helper()
	without := *opts
	without.Password = nil
	im := b.image(&without)
	n, err := im.ReadAt(make([]byte, 512), off)
	var e *Error
	if n != 0 || !errors.Is(err, ErrPassword) || !errors.As(err, &e) {
		t.Errorf("without a password: %d bytes, %v", n, err)
	}
	if d := im.Describe(); !d.Encrypted {
		t.Errorf("%+v", d)
	}
	wrong := func(EncryptedLayer) ([]byte, error) { return []byte("open wheat"), nil }
	right := func(EncryptedLayer) ([]byte, error) { return []byte(luksPassword), nil }
	if err := im.Unlock(t.Context(), wrong); !errors.Is(err, ErrPassword) || !errors.As(err, &e) || !errors.Is(err, luks.ErrPassword) {
		t.Errorf("with a wrong password: %v", err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := im.Unlock(t.Context(), right); err != nil {
				t.Error(err)
			}
			if _, err := im.ReadAt(make([]byte, 512), off); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	without.Password = []byte("open wheat")
	file := b.bytes()
	if im, err := New(bytes.NewReader(file), int64(len(file)), &without); im != nil || !errors.Is(err, ErrPassword) {
		t.Errorf("opened with a wrong password: %v", err)
	}
}

// Each layer of a chain has its own password, and only encrypted ones are
// asked for.
func TestPasswordOf(t *testing.T) {
	const size = 4 << 9
	s := &shelf{files: map[string][]byte{"plain": text(size, 1)}}
	want := bytes.Clone(s.files["plain"])
	layer := func(name, below, format, password string, clusters ...uint64) {
		b := newBuilder(t, recipe{bits: 9, size: size, backing: below, format: format})
		if password != "" {
			b.header.CryptMethod = QCOW_CRYPT_AES
		}
		for _, c := range clusters {
			plain := text(512, byte(c)+name[0])
			copy(want[c*512:], plain)
			if password != "" {
				plain = aesEncrypted(t, password, plain, c*512)
			}
			b.data(c, plain)
		}
		s.files[name] = b.bytes()
	}
	layer("3", "plain", formatRaw, "longer than sixteen bytes", 0, 1)
	layer("2", "3", formatQcow2, "", 1, 2)
	layer("1", "2", formatQcow2, "short", 2)
	var asked []EncryptedLayer
	passwords := map[int]string{0: "short", 2: "longer than sixteen bytes, cut"}
	im, err := s.image("1", Options{PasswordOf: func(l EncryptedLayer) ([]byte, error) {
		asked = append(asked, l)
		return []byte(passwords[l.Depth]), nil
	}, Password: []byte("not used")})
	if err != nil {
		t.Fatal(err)
	}
	checkDisk(t, im, want)
	if len(asked) != 2 || asked[0] != (EncryptedLayer{0, "1", "aes"}) || asked[1] != (EncryptedLayer{2, "3", "aes"}) {
		t.Errorf("asked for %+v", asked)
	}
	if err := im.Close(); err != nil {
		t.Error(err)
	}
	if err := im.Unlock(t.Context(), nil); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("closed: %v", err)
	}

	// Some layers, one after the other.
	im, err = s.image("1", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	for depth, readable := range map[int]int{-1: 0, 0: 2, 2: 0} {
		only := func(l EncryptedLayer) ([]byte, error) {
			if l.Depth != depth {
				return nil, nil
			}
			return []byte(passwords[depth]), nil
		}
		if err := im.Unlock(t.Context(), only); err != nil {
			t.Error(err)
		}
		if depth >= 0 {
			if _, err := im.ReadAt(make([]byte, 512), int64(readable*512)); err != nil {
				t.Errorf("layer %d unlocked: %v", depth, err)
			}
		}
	}
	checkDisk(t, im, want)

	gone := errors.New("no such key")
	if _, err := s.image("1", Options{PasswordOf: func(EncryptedLayer) ([]byte, error) { return nil, gone }}); !errors.Is(err, gone) {
		t.Errorf("no way to a password: %v", err)
	}
	if s.opened != s.closed+3 { // of the image that is still open
		t.Errorf("%d files opened, %d closed", s.opened, s.closed)
	}
}

// What is wrong with a LUKS header stops who needs the key, and nobody else.
func TestLUKSUnlockBroken(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(p *luks.LuksPhdr, e *Qcow2CryptoHeaderExtension)
		want   error
	}{
		{"version", func(p *luks.LuksPhdr, _ *Qcow2CryptoHeaderExtension) { p.Version = 2 }, ErrUnsupported},
		{"cipher", func(p *luks.LuksPhdr, _ *Qcow2CryptoHeaderExtension) { p.CipherName[0] = 'x' }, ErrUnsupported},
		{"magic", func(p *luks.LuksPhdr, _ *Qcow2CryptoHeaderExtension) { p.Magic[0] = 0 }, ErrCorrupt},
		{"stripes", func(p *luks.LuksPhdr, _ *Qcow2CryptoHeaderExtension) { p.KeySlots[1].Stripes = 1 }, ErrCorrupt},
		{"iterations", func(p *luks.LuksPhdr, _ *Qcow2CryptoHeaderExtension) { p.KeySlots[0].Iterations = 1<<32 - 1 }, ErrLimit},
		{"digest", func(p *luks.LuksPhdr, _ *Qcow2CryptoHeaderExtension) { p.MkDigest[0]++ }, ErrPassword},
		{"area", func(_ *luks.LuksPhdr, e *Qcow2CryptoHeaderExtension) { e.Length = 5000 }, ErrTruncated},
		{"short area", func(_ *luks.LuksPhdr, e *Qcow2CryptoHeaderExtension) { e.Length = 500 }, ErrCorrupt},
		{"place", func(_ *luks.LuksPhdr, e *Qcow2CryptoHeaderExtension) { e.Offset = 1 << 50 }, ErrTruncated},
	} {
		b := newBuilder(t, recipe{size: 1 << 20})
		encryptLUKS(b).Close()
		var e Qcow2CryptoHeaderExtension
		x := &b.extensions[0]
		if err := e.UnmarshalBinary(x.Data); err != nil {
			t.Fatal(err)
		}
		header := (*[luks.SizeofLuksPhdr]byte)(b.file[e.Offset:])
		var p luks.LuksPhdr
		p.Decode(header)
		tt.change(&p, &e)
		p.Encode(header)
		x.Data, _ = e.MarshalBinary()
		im := b.image(nil)
		if _, err := im.ReadAt(make([]byte, 100), 0); err != nil {
			t.Errorf("%s: zeros: %v", tt.name, err)
		}
		err := im.Unlock(t.Context(), func(EncryptedLayer) ([]byte, error) { return []byte(luksPassword), nil })
		var ours *Error
		if !errors.Is(err, tt.want) || !errors.As(err, &ours) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestUnlockCancelled(t *testing.T) {
	b := newBuilder(t, recipe{size: 1 << 20})
	encryptLUKS(b).Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := b.image(nil).Unlock(ctx, func(EncryptedLayer) ([]byte, error) { return []byte(luksPassword), nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestEncryptedReadAllocatesNothing(t *testing.T) {
	b := newBuilder(t, recipe{size: 1 << 20})
	encryptLUKS(b).Close()
	for i := range uint64(16) {
		b.data(i, text(1<<16, byte(i)))
	}
	im := b.image(&Options{Password: []byte(luksPassword)})
	p := make([]byte, 100000)
	least := 100.0
	for range 20 { // under the race detector pools forget some of what they hold
		least = min(least, testing.AllocsPerRun(1, func() {
			if _, err := im.ReadAt(p, 12345); err != nil {
				t.Fatal(err)
			}
		}))
	}
	if least > 0 {
		t.Errorf("%g allocations a read", least)
	}
}

// Of encrypted data no more is lost than of other data. That it takes a password
// is no damage.
func TestLUKSSalvage(t *testing.T) {
	b := newBuilder(t, recipe{bits: 12, size: 8 << 12})
	c := encryptLUKS(b)
	defer c.Close()
	want := make([]byte, 8<<12)
	var hosts []hostOffset
	for i := range uint64(8) {
		plain := text(1<<12, byte(i))
		hosts = append(hosts, b.data(i, plain))
		copy(want[i<<12:], luksPlain(t, c, plain, hosts[i]))
	}
	file := b.bytes()
	cut := int64(hosts[6]) + 1000
	var lost []Lost
	r := &unreadable{bytes.NewReader(file), int64(hosts[2]) + 700}
	opts := &Options{Password: []byte(luksPassword), Salvage: func(l Lost) { lost = append(lost, l) }}
	im, err := New(r, cut, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	clear(want[2<<12 : 3<<12])
	clear(want[6<<12+512:]) // what follows the last whole sector
	got := readAll(t, im)
	if i := differ(got, want); i < len(want) {
		t.Errorf("the disk differs from byte %d on", i)
	}
	if len(lost) != 2 || lost[0].Offset != 2<<12 || lost[0].Length != 1<<12 || !errors.Is(lost[0].Err, errUnreadable) ||
		lost[1].Offset != 6<<12+512 || lost[1].Length != 2<<12-512 || !errors.Is(lost[1].Err, ErrTruncated) {
		t.Errorf("lost: %+v", lost)
	}

	lost, opts.Password = nil, nil
	if im, err = New(r, cut, opts); err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	if n, err := im.ReadAt(got, 0); n != 0 || !errors.Is(err, ErrPassword) || len(lost) > 0 {
		t.Errorf("without a password: %d bytes, %v, lost %+v", n, err, lost)
	}
}

// unreadable is a file of which a byte cannot be read.
type unreadable struct {
	*bytes.Reader
	at int64
}

var errUnreadable = errors.New("unreadable")

func (r *unreadable) ReadAt(p []byte, off int64) (int, error) {
	if off <= r.at && r.at < off+int64(len(p)) {
		return 0, errUnreadable
	}
	return r.Reader.ReadAt(p, off)
}
