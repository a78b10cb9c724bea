package tests

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cstructgen/internal/testseed"
	"cstructgen/luks"
)

var luksAll = flag.Bool("luks-all", false, "make LUKS volumes of every combination of cipher, mode, IV and hash, not of some")

const (
	volumeName     = "volume.luks"
	volumePassword = "open sesame"
)

// A luksKind is a way to encrypt, in the words of qemu-img's options.
type luksKind struct{ cipher, mode, iv, hash string }

func (k luksKind) String() string { return k.cipher + "," + k.mode + "," + k.iv + "," + k.hash }

// options are those of `qemu-img create -o`, each with prefix.
func (k luksKind) options(prefix string) string {
	iv, ivHash, _ := strings.Cut(k.iv, ":")
	list := []string{"cipher-alg=" + k.cipher, "cipher-mode=" + k.mode, "ivgen-alg=" + iv, "hash-alg=" + k.hash, "iter-time=10", "key-secret=key"}
	if ivHash != "" {
		list = append(list, "ivgen-hash-alg="+ivHash)
	}
	for i := range list {
		list[i] = prefix + list[i]
	}
	return strings.Join(list, ",")
}

// luksHashes are those that headers may name.
var luksHashes = []string{"sha256", "sha1", "sha224", "sha384", "sha512", "ripemd160"}

// luksKinds are all that QEMU 7.2 makes and we read: 46 ways, each with 6
// hashes. QEMU does not make keys of 192 bits in modes ecb and cbc (it aborts:
// their key material ends inside a sector), nor essiv with another hash (no key
// of a cipher has that length) or with cast5.
func luksKinds() []luksKind {
	var all []luksKind
	for _, hash := range luksHashes {
		for _, cipher := range []string{"aes-128", "aes-192", "aes-256", "twofish-128", "twofish-192", "twofish-256", "cast5-128"} {
			for _, mode := range []string{"xts", "cbc", "ecb"} {
				for _, iv := range []string{"plain64", "plain", "essiv:sha256"} {
					cast5 := cipher == "cast5-128"
					if cast5 && (mode == "xts" || iv == "essiv:sha256") || mode != "xts" && strings.HasSuffix(cipher, "192") {
						continue
					}
					all = append(all, luksKind{cipher, mode, iv, hash})
				}
			}
		}
	}
	return all
}

// someKinds are those of luksKinds that are tried. QEMU takes seconds to make
// one, as it measures how fast this machine is: each cipher in each mode is
// tried once where CI=true, with an IV and a hash that chance chooses.
func someKinds(t *testing.T) []luksKind {
	all := luksKinds()
	if *luksAll {
		return all
	}
	r := testseed.Rand(t)
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	if !wholeCorpus() {
		return all[:2]
	}
	seen := make(map[luksKind]bool)
	return slices.DeleteFunc(all, func(k luksKind) bool {
		k = luksKind{cipher: k.cipher, mode: k.mode}
		again := seen[k]
		seen[k] = true
		return again
	})
}

// makeVolume makes a LUKS volume of 100 KiB in dir, with something in it.
func makeVolume(t *testing.T, b *builder, dir string, k luksKind) {
	t.Helper()
	for _, c := range []command{
		{"secret", "key", volumePassword},
		{"text", "text.bin", "9000", "1"},
		img("create", "-q", "-f", "luks", "--object", "secret,id=key,file=key", "-o", k.options(""), volumeName, "100k"),
		append(append(command{"qemu-io", "-t", "unsafe"}, volumeSource("key")...),
			"-c", "write -q -s text.bin 0 9000", "-c", "write -q -P 0x55 50000 20000", "-c", "write -q -s text.bin 101888 512"),
	} {
		if err := b.run(c, dir); err != nil {
			t.Fatal(err)
		}
	}
}

// volumeSource are the arguments that name the volume to qemu-img, and the
// files of passwords.
func volumeSource(keys ...string) []string {
	var args []string
	for _, k := range keys {
		args = append(args, "--object", "secret,id="+k+",file="+k)
	}
	return append(args, "--image-opts", "driver=luks,key-secret="+keys[0]+",file.driver=file,file.filename="+volumeName)
}

// openVolume opens the volume in dir.
func openVolume(t *testing.T, dir, password string) (*luks.Volume, error) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(dir, volumeName))
	if err != nil {
		t.Fatal(err)
	}
	return luks.Open(context.Background(), bytes.NewReader(file), int64(len(file)), []byte(password), nil)
}

// compareVolume compares the volume in dir with what qemu-img reads of it.
func compareVolume(t *testing.T, dir string) {
	t.Helper()
	mustTool(t, dir, "qemu-img", append(append([]string{"convert", "-O", "raw"}, volumeSource("key")...), "raw")...)
	want, err := os.ReadFile(filepath.Join(dir, "raw"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := openVolume(t, dir, volumePassword)
	if err != nil {
		t.Error(err)
		return
	}
	defer v.Close()
	got := make([]byte, v.Size())
	if n, err := v.ReadAt(got, 0); n != len(got) || err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d, %v, qemu-img reads %d bytes or others", n, len(got), err, len(want))
	}
}

func TestLUKSCombinations(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	for _, k := range someKinds(t) {
		t.Run(k.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			makeVolume(t, b, dir, k)
			compareVolume(t, dir)
			if v, err := openVolume(t, dir, volumePassword+"\n"); v != nil || !errors.Is(err, luks.ErrPassword) {
				t.Errorf("with a wrong password: %v", err)
			}
		})
	}
}

// luksUnsupported: what QEMU makes and we do not read is refused by its name.
func luksUnsupported(t *testing.T) {
	b := newBuilder(t)
	for i, tt := range []struct {
		kind  luksKind
		names string
	}{
		{luksKind{"serpent-256", "xts", "plain64", "sha256"}, `"serpent"`},
		{luksKind{"aes-128", "cbc", "essiv:md5", "sha256"}, `"md5"`},
	} {
		if i > 0 && !wholeCorpus() {
			break // QEMU takes seconds to make one
		}
		t.Run(tt.kind.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			makeVolume(t, b, dir, tt.kind)
			var e *luks.Error
			if v, err := openVolume(t, dir, volumePassword); v != nil || !errors.Is(err, luks.ErrUnsupported) || !errors.As(err, &e) || !strings.Contains(e.Reason, tt.names) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestLUKSSlots adds and erases passwords as QEMU does, and compares each
// state with whom QEMU lets in.
func TestLUKSSlots(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	dir := t.TempDir()
	makeVolume(t, b, dir, luksKind{"aes-256", "xts", "plain64", "sha256"})
	keys := []string{"key", "second", "long", "empty"}
	text := map[string]string{"key": volumePassword, "second": "sésame", "long": strings.Repeat("long ", 50), "empty": ""}
	for _, k := range keys[1:] {
		if err := b.run(command{"secret", k, text[k]}, dir); err != nil {
			t.Fatal(err)
		}
	}
	amend := func(options string, by ...string) {
		t.Helper()
		if err := b.run(append(append(img("amend"), volumeSource(by...)...), "-o", options), dir); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want map[string]int) {
		t.Helper()
		for _, k := range keys {
			slot, ok := want[k]
			if _, err := runTool(t, dir, "qemu-io", append(volumeSource(k), "-c", "read -q 0 512")...); (err == nil) != ok {
				t.Errorf("qemu-io with %q: %v", text[k], err)
			}
			v, err := openVolume(t, dir, text[k])
			switch {
			case !ok && !errors.Is(err, luks.ErrPassword):
				t.Errorf("with %q: %v", text[k], err)
			case ok && (err != nil || v.Slot() != slot):
				t.Errorf("with %q: %v, not slot %d", text[k], err, slot)
			}
		}
	}
	check(map[string]int{"key": 0})
	amend("state=active,new-secret=second,iter-time=10", "key", "second")
	amend("state=active,new-secret=long,keyslot=7,iter-time=10", "second", "long")
	check(map[string]int{"key": 0, "second": 1, "long": 7})
	amend("state=active,new-secret=empty,keyslot=4,iter-time=10", "key", "empty")
	compareVolume(t, dir)
	amend("state=inactive,keyslot=0", "long")
	amend("state=inactive,old-secret=second", "long", "second")
	check(map[string]int{"long": 7, "empty": 4})
}
