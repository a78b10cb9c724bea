package tests

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cstructgen/luks"
)

// sampleVolume returns the committed volume that QEMU made.
func sampleVolume(t *testing.T) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join(samplesDir, "qemu.luks.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	file, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// lookAtVolume opens a volume with a spoilt header, and asks QEMU to.
func lookAtVolume(t *testing.T, file []byte, spoil func(p *luks.LuksPhdr)) (ours, theirs error) {
	t.Helper()
	file = slices.Clone(file)
	header := (*[luks.SizeofLuksPhdr]byte)(file)
	var p luks.LuksPhdr
	p.Decode(header)
	spoil(&p)
	p.Encode(header)
	dir := t.TempDir()
	for name, content := range map[string][]byte{volumeName: file, "key": []byte(volumePassword)} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, ours = openVolume(t, dir, volumePassword)
	_, theirs = runTool(t, dir, "qemu-io", append(volumeSource("key"), "-c", "read -q 0 512")...)
	return ours, theirs
}

// TestLUKSDamage spoils headers, and compares who is let in with QEMU.
func TestLUKSDamage(t *testing.T) {
	t.Parallel()
	sound := sampleVolume(t)
	bytesOf := func(s string) (b [32]byte) { copy(b[:], s); return b }
	for _, tt := range []struct {
		name  string
		spoil func(p *luks.LuksPhdr)
		want  error
	}{
		{name: "nothing", spoil: func(*luks.LuksPhdr) {}},
		{name: "version", spoil: func(p *luks.LuksPhdr) { p.Version = 3 }, want: luks.ErrUnsupported},
		{name: "magic", spoil: func(p *luks.LuksPhdr) { p.Magic[0]++ }, want: luks.ErrFormat},
		{name: "endless cipher", spoil: func(p *luks.LuksPhdr) { p.CipherName = bytesOf(strings.Repeat("a", 32)) }, want: luks.ErrCorrupt},
		{name: "endless mode", spoil: func(p *luks.LuksPhdr) { p.CipherMode = bytesOf(strings.Repeat("a", 32)) }, want: luks.ErrCorrupt},
		{name: "endless hash", spoil: func(p *luks.LuksPhdr) { p.HashSpec = bytesOf(strings.Repeat("a", 32)) }, want: luks.ErrCorrupt},
		{name: "unknown cipher", spoil: func(p *luks.LuksPhdr) { p.CipherName = bytesOf("aes2") }, want: luks.ErrUnsupported},
		{name: "unknown mode", spoil: func(p *luks.LuksPhdr) { p.CipherMode = bytesOf("ofb-plain64") }, want: luks.ErrUnsupported},
		{name: "mode without IV", spoil: func(p *luks.LuksPhdr) { p.CipherMode = bytesOf("cbc") }, want: luks.ErrUnsupported},
		{name: "unknown IV", spoil: func(p *luks.LuksPhdr) { p.CipherMode = bytesOf("cbc-plain64be") }, want: luks.ErrUnsupported},
		{name: "essiv without hash", spoil: func(p *luks.LuksPhdr) { p.CipherMode = bytesOf("cbc-essiv") }, want: luks.ErrUnsupported},
		{name: "essiv with a hash too short", spoil: func(p *luks.LuksPhdr) { p.CipherMode = bytesOf("cbc-essiv:sha1") }, want: luks.ErrUnsupported},
		{name: "unknown hash", spoil: func(p *luks.LuksPhdr) { p.HashSpec = bytesOf("sha3-256") }, want: luks.ErrUnsupported},
		{name: "another hash", spoil: func(p *luks.LuksPhdr) { p.HashSpec = bytesOf("sha1") }, want: luks.ErrPassword},
		{name: "key of 17 bytes", spoil: func(p *luks.LuksPhdr) { p.KeyBytes = 17 }, want: luks.ErrCorrupt},
		{name: "key of 0 bytes", spoil: func(p *luks.LuksPhdr) { p.KeyBytes = 0 }, want: luks.ErrCorrupt},
		{name: "digest of 0 iterations", spoil: func(p *luks.LuksPhdr) { p.MkDigestIter = 0 }, want: luks.ErrCorrupt},
		{name: "slot of 0 iterations", spoil: func(p *luks.LuksPhdr) { p.KeySlots[0].Iterations = 0 }, want: luks.ErrCorrupt},
		{name: "inactive slot of 0 iterations", spoil: func(p *luks.LuksPhdr) { p.KeySlots[1].Iterations = 0 }},
		{name: "3999 stripes", spoil: func(p *luks.LuksPhdr) { p.KeySlots[0].Stripes-- }, want: luks.ErrCorrupt},
		{name: "8000 stripes in an inactive slot", spoil: func(p *luks.LuksPhdr) { p.KeySlots[5].Stripes *= 2 }, want: luks.ErrCorrupt},
		{name: "unknown state", spoil: func(p *luks.LuksPhdr) { p.KeySlots[2].Active ^= 1 }, want: luks.ErrCorrupt},
		{name: "key in the header", spoil: func(p *luks.LuksPhdr) { p.KeySlots[0].KeyMaterialOffset = 1 }, want: luks.ErrCorrupt},
		{name: "key in the payload", spoil: func(p *luks.LuksPhdr) { p.KeySlots[7].KeyMaterialOffset = p.PayloadOffset - 1 }, want: luks.ErrCorrupt},
		{name: "two keys in one place", spoil: func(p *luks.LuksPhdr) { p.KeySlots[3].KeyMaterialOffset = p.KeySlots[0].KeyMaterialOffset }, want: luks.ErrCorrupt},
		{name: "two keys that overlap", spoil: func(p *luks.LuksPhdr) { p.KeySlots[3].KeyMaterialOffset = p.KeySlots[4].KeyMaterialOffset - 1 }, want: luks.ErrCorrupt},
		{name: "payload in the header", spoil: func(p *luks.LuksPhdr) { p.PayloadOffset = 0 }, want: luks.ErrCorrupt},
		{name: "payload in a key", spoil: func(p *luks.LuksPhdr) { p.PayloadOffset = p.KeySlots[7].KeyMaterialOffset + 1 }, want: luks.ErrCorrupt},
		{name: "payload behind the end", spoil: func(p *luks.LuksPhdr) { p.PayloadOffset = 1 << 31 }, want: luks.ErrTruncated},
		{name: "digest", spoil: func(p *luks.LuksPhdr) { p.MkDigest[3] ^= 1 }, want: luks.ErrPassword},
		{name: "salt of the digest", spoil: func(p *luks.LuksPhdr) { p.MkDigestSalt[3] ^= 1 }, want: luks.ErrPassword},
		{name: "salt of the slot", spoil: func(p *luks.LuksPhdr) { p.KeySlots[0].Salt[3] ^= 1 }, want: luks.ErrPassword},
		{name: "iterations of the slot", spoil: func(p *luks.LuksPhdr) { p.KeySlots[0].Iterations++ }, want: luks.ErrPassword},
		{name: "inactive", spoil: func(p *luks.LuksPhdr) { p.KeySlots[0].Active = luks.LUKS_KEY_DISABLED }, want: luks.ErrPassword},
	} {
		err, theirs := lookAtVolume(t, sound, tt.spoil)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if (theirs == nil) != (err == nil) {
			t.Errorf("%s: %v; qemu-io: %v", tt.name, err, theirs)
		}
	}
}

// luksKeyNearHeader: QEMU keeps 4096 bytes for the header, which has 592. Key
// material behind that is not damage.
func luksKeyNearHeader(t *testing.T) {
	sound := sampleVolume(t)
	const more = 512 // sectors
	wide := slices.Concat(sound[:4096], make([]byte, more*512), sound[4096:])
	ours, theirs := lookAtVolume(t, wide, func(p *luks.LuksPhdr) {
		for i := range p.KeySlots {
			p.KeySlots[i].KeyMaterialOffset += more
		}
		p.PayloadOffset += more
		p.KeySlots[7].KeyMaterialOffset = 2
	})
	if ours != nil || theirs == nil {
		t.Errorf("%v; qemu-io: %v", ours, theirs)
	}
}
