package qcow2

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/binary"
	"testing"

	"cstructgen/luks"
)

// A seed is a small image to be damaged, with what it takes to read it, and
// with the places of all that it has.
type seed struct {
	name     string
	file     []byte
	recipe   recipe
	password string
	luks     bool
	places   []place
}

// Files beside a seed.
var (
	seedBacking = text(3000, 9)
	seedData    = text(1<<16, 8)
)

// options give the seed what it names, and its password if it has one.
func (s *seed) options() *Options {
	o := &Options{Backing: source("b", seedBacking), BackingFormat: formatRaw, DataFile: source("d", seedData)}
	if s.password != "" {
		o.Password, o.MaxIterations = []byte(s.password), 100
	}
	return o
}

// reference reads the file, which is the seed's, altered perhaps, in the
// plainest way.
func (s *seed) reference(file []byte) *reference {
	r := &reference{file: file, data: seedData, backing: seedBacking}
	switch {
	case s.luks && s.password != "":
		r.decrypt = func(p []byte, host, _ uint64) { cbc(seedMaster, p, host/512).decrypt() }
	case s.password != "":
		key := append([]byte(s.password), make([]byte, 16)...)[:16]
		r.decrypt = func(p []byte, _, guest uint64) { cbc(key, p, guest/512).decrypt() }
	}
	return r
}

// seeds returns images of every kind: all features of the format are in one or
// another.
func seeds(t testing.TB) []*seed {
	t.Helper()
	return []*seed{
		newSeed(t, "deflate", recipe{backing: "b", format: formatRaw}, "", false),
		newSeed(t, "zstd", recipe{zstd: true}, "", false),
		newSeed(t, "version 2", recipe{version: QCOW2_VERSION_2, backing: "b", format: formatRaw}, "", false),
		newSeed(t, "extended L2", recipe{extended: true, bits: QCOW2_EXTL2_MIN_CLUSTER_BITS, backing: "b", format: formatRaw}, "", false),
		newSeed(t, "data file", recipe{dataFile: "d"}, "", false),
		newSeed(t, "AES", recipe{backing: "b", format: formatRaw}, "open sesame", false),
		newSeed(t, "LUKS, locked", recipe{}, "", true),
		newSeed(t, "LUKS", recipe{}, "open sesame", true),
	}
}

// newSeed makes an image of six clusters: two of data, two compressed, one of
// zeros, one unallocated, as far as r allows that; with snapshots, bitmaps,
// names of features and a refcount table.
func newSeed(t testing.TB, name string, r recipe, password string, withLUKS bool) *seed {
	t.Helper()
	if r.bits == 0 {
		r.bits = MIN_CLUSTER_BITS
	}
	cluster := uint64(1) << r.bits
	r.size = 6*cluster - 100
	s := &seed{name: name, recipe: r, password: password, luks: withLUKS}
	b := newBuilder(t, r)
	if password != "" && !withLUKS {
		b.header.CryptMethod = QCOW_CRYPT_AES
	}
	if withLUKS {
		s.addLUKS(b)
	}
	feature, _ := (&Qcow2Feature{Bit: 40, Name: [46]byte{'f'}}).MarshalBinary()
	b.extend(QCOW2_EXT_MAGIC_FEATURE_TABLE, feature)
	switch {
	case r.dataFile != "":
		b.entry(0, QCOW_OFLAG_COPIED, 0)
		b.entry(3, 3*cluster|QCOW_OFLAG_ZERO, 0)
		b.entry(5, 5*cluster|QCOW_OFLAG_COPIED, 0)
	default:
		b.data(0, text(int(cluster), 1))
		b.compressed(1, text(int(cluster), 2))
		b.compressed(2, text(int(cluster), 3))
		b.data(5, text(int(cluster), 4))
		switch {
		case r.extended: // data, zeros and the backing file, all in one
			b.entry(3, uint64(b.put(text(int(cluster), 5)))|QCOW_OFLAG_COPIED, 0x00ff_0000_ff00_ff00)
		case r.version != QCOW2_VERSION_2:
			b.entry(3, QCOW_OFLAG_ZERO, 0)
		}
	}
	addSnapshots(b, testSnapshot{id: "1", name: "s", size: 4 * cluster, extra: SizeofQCowSnapshotExtraData})
	dir := &Qcow2BitmapHeaderExt{}
	if r.version != QCOW2_VERSION_2 {
		dir = addBitmaps(b, testBitmap{name: "m", granularity: 9, change: func(e *Qcow2BitmapDirEntry) {
			bits := b.put([]byte{0x05})
			binary.BigEndian.PutUint64(b.file[e.BitmapTableOffset:], uint64(bits))
		}})
	}
	table := b.alloc()
	b.header.RefcountTableOffset, b.header.RefcountTableClusters = uint64(table), 1
	binary.BigEndian.PutUint64(b.file[table:], uint64(b.put([]byte{0, 1, 0, 1, 0, 2})))
	s.file = b.bytes()
	s.findPlaces(t, b, dir)
	return s
}

// findPlaces lists where the structures of the seed are.
func (s *seed) findPlaces(t testing.TB, b *builder, dir *Qcow2BitmapHeaderExt) {
	t.Helper()
	im := open(t, s.file, s.options())
	h := im.Header()
	add := func(at uint64, table table) { s.places = append(s.places, place{table, at}) }
	add(0, tableHeader)
	for _, x := range im.Extensions() {
		at := uint64(x.Offset)
		add(at-SizeofQCowExtension, tableExtension)
		switch x.Magic {
		case QCOW2_EXT_MAGIC_FEATURE_TABLE:
			add(at, tableFeature)
		case QCOW2_EXT_MAGIC_BITMAPS:
			add(at, tableBitmaps)
			add(dir.BitmapDirectoryOffset, tableBitmap)
			add(im.mustBitmap(t).Entry.BitmapTableOffset, tableBitmapTable)
		case QCOW2_EXT_MAGIC_CRYPTO_HEADER:
			add(at, tableCrypto)
			off, _ := im.luksArea()
			add(uint64(off), tableLUKS)
			for i := range uint64(luks.LUKS_NUMKEYS) {
				add(uint64(off)+luks.OffsetofLuksPhdr_KeySlots+i*luks.SizeofLuksKeySlot, tableSlot)
			}
		}
	}
	add(h.SnapshotsOffset, tableSnapshot)
	add(h.SnapshotsOffset+SizeofQCowSnapshotHeader, tableExtra)
	add(h.RefcountTableOffset, tableRefcounts)
	add(h.L1TableOffset, tableL1)
	list, err := im.Snapshots()
	if err != nil {
		t.Fatal(err)
	}
	add(list[0].Header.L1TableOffset, tableL1)
	for i := range uint64(6) {
		entry := tableL2
		if s.recipe.extended {
			entry = tableL2Extended
		}
		add(uint64(b.slot(i)), entry)
	}
}

// mustBitmap returns the only bitmap of the image.
func (im *Image) mustBitmap(t testing.TB) *Bitmap {
	t.Helper()
	list, err := im.Bitmaps()
	if err != nil || len(list) != 1 {
		t.Fatalf("%d bitmaps, %v", len(list), err)
	}
	return &list[0]
}

// seedMaster is the key of the data of seeds with a LUKS header.
var seedMaster = []byte("sixteen bytes it")

// addLUKS gives b a LUKS header that takes as little work as there can be: one
// iteration, one slot.
func (s *seed) addLUKS(b *builder) {
	const password = "open sesame"
	split := len(seedMaster) * luks.LUKS_STRIPES
	const first = 4096 / luks.LUKS_SECTOR_SIZE // where QEMU has key material begin, and every multiple of that
	sectors := uint32((split+luks.LUKS_SECTOR_SIZE-1)/luks.LUKS_SECTOR_SIZE+first-1) / first * first
	p := &luks.LuksPhdr{
		Version: luks.LUKS_VERSION, KeyBytes: uint32(len(seedMaster)), MkDigestIter: 1,
		PayloadOffset: first + luks.LUKS_NUMKEYS*sectors,
	}
	copy(p.Magic[:], luks.LUKS_MAGIC)
	copy(p.CipherName[:], "aes")
	copy(p.CipherMode[:], "cbc-plain64")
	copy(p.HashSpec[:], "sha1")
	derive := func(password string, salt []byte, n int) []byte {
		key, err := pbkdf2.Key(sha1.New, password, salt, 1, n)
		if err != nil {
			b.t.Fatal(err)
		}
		return key
	}
	copy(p.MkDigest[:], derive(string(seedMaster), p.MkDigestSalt[:], luks.LUKS_DIGESTSIZE))
	for i := range p.KeySlots {
		p.KeySlots[i] = luks.LuksKeySlot{
			Active: luks.LUKS_KEY_DISABLED, KeyMaterialOffset: first + uint32(i)*sectors, Stripes: luks.LUKS_STRIPES,
		}
	}
	p.KeySlots[0].Active, p.KeySlots[0].Iterations = luks.LUKS_KEY_ENABLED, 1
	volume, _ := p.MarshalBinary()
	at := first * luks.LUKS_SECTOR_SIZE
	volume = append(volume, make([]byte, at+split-len(volume))...)
	// The key split into pieces of which all but the last are zeros.
	sum := make([]byte, len(seedMaster))
	for range luks.LUKS_STRIPES - 1 {
		digest := sha1.Sum(append([]byte{0, 0, 0, 0}, sum...))
		copy(sum, digest[:])
	}
	last := volume[len(volume)-len(sum):]
	for i := range last {
		last[i] = sum[i] ^ seedMaster[i]
	}
	key := derive(password, p.KeySlots[0].Salt[:], len(seedMaster))
	for sector := 0; at < len(volume); sector++ {
		end := min(at+luks.LUKS_SECTOR_SIZE, len(volume))
		cbc(key, volume[at:end], uint64(sector)).encrypt()
		at = end
	}
	off := b.put(volume[:1<<b.header.ClusterBits])
	for n := 1 << b.header.ClusterBits; n < len(volume); n += 1 << b.header.ClusterBits {
		b.put(volume[n:min(n+1<<b.header.ClusterBits, len(volume))])
	}
	b.header.CryptMethod = QCOW_CRYPT_LUKS
	data, _ := (&Qcow2CryptoHeaderExtension{Offset: uint64(off), Length: uint64(len(volume))}).MarshalBinary()
	b.extend(QCOW2_EXT_MAGIC_CRYPTO_HEADER, data)
}

// cbcSector is a sector to be encrypted or decrypted in place, with AES-128 in
// mode CBC.
type cbcSector struct {
	block cipher.Block
	iv    []byte
	p     []byte
}

// cbc returns the sector of the given number.
func cbc(key, p []byte, number uint64) cbcSector {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the keys are ours
	}
	return cbcSector{block, append(binary.LittleEndian.AppendUint64(nil, number), make([]byte, 8)...), p}
}

func (s cbcSector) encrypt() { cipher.NewCBCEncrypter(s.block, s.iv).CryptBlocks(s.p, s.p) }
func (s cbcSector) decrypt() { cipher.NewCBCDecrypter(s.block, s.iv).CryptBlocks(s.p, s.p) }

// The seeds are sound, read as the plain reader reads them, and have what
// there is of the format.
func TestSeedsAreSound(t *testing.T) {
	for _, s := range seeds(t) {
		im := open(t, s.file, s.options())
		want, err := s.reference(s.file).disk(0, s.recipe.size)
		locked := s.luks && s.password == ""
		if (err != nil) != locked {
			t.Fatalf("%s: the plain reader: %v", s.name, err)
		}
		if !locked && !bytes.Equal(readAll(t, im), want) {
			t.Errorf("%s: the disk differs from the plain reader's", s.name)
		}
		d := im.Describe()
		if d.SnapshotsError != nil || d.BitmapsError != nil || len(d.Snapshots) != 1 || (len(d.Bitmaps) == 1) != (s.recipe.version == 0) {
			t.Errorf("%s: %+v", s.name, d)
		}
		for i := range d.Bitmaps {
			if list, err := dirtyRanges(im, &d.Bitmaps[i]); err != nil || len(list) != 2 {
				t.Errorf("%s: dirty ranges %v, %v", s.name, list, err)
			}
		}
	}
}
