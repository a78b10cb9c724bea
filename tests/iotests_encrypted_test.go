package tests

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cstructgen/luks"
	"cstructgen/qcow2"
)

// encrypted is the recipe of an encrypted image: options are those of create,
// commands of qemu-io write to it, steps make what it needs.
func encrypted(name, password, options string, size int64, commands []string, steps ...command) recipe {
	secret := "secret,id=key,data=" + password
	write := command{"qemu-io", "-t", "unsafe", "--object", secret, "--image-opts"}
	for _, c := range commands {
		write = append(write, "-c", c)
	}
	return recipe{name: name, password: password, steps: append(steps,
		img("create", "-q", "-f", "qcow2", "--object", secret, "-o", options+",encrypt.key-secret=key", diskName, fmt.Sprint(size)),
		append(write, "driver=qcow2,encrypt.key-secret=key,file.driver=file,file.filename="+diskName))}
}

// iotestEncrypted are 134, AES as it was first, and 188, LUKS.
func iotestEncrypted() []recipe {
	const size = 2*mib + 512
	// Data in whole and in part, over and beside zeros, compressed clusters,
	// which are never encrypted, and clusters out of order.
	writes := func(cluster int64) []string {
		w := &writer{size: size, cluster: cluster, mark: 0x31}
		w.fill(cluster, cluster)
		w.fill(0, cluster/2)
		w.add("write -q -c -s ../text.bin", 3*cluster, cluster)
		w.add("write -q -c -s ../text.bin", 4*cluster, cluster)
		w.fill(4*cluster+100, 300)
		w.fill(5*cluster, 4*cluster)
		w.zero(6*cluster, cluster)
		w.zero(7*cluster+512, 1024)
		w.add("write -q -s ../noise.bin", 9*cluster, 2*cluster)
		w.add("discard -q", 10*cluster, cluster)
		w.fill(size-700, 700)
		return w.commands
	}
	var all []recipe
	for _, password := range []string{"short", "sixteen bytes it", "longer than sixteen bytes"} {
		for _, options := range []string{"compat=v2,cluster_size=4k", "compat=v3", "compat=v3,extended_l2=on"} {
			cluster := int64(64 * kib)
			if strings.HasSuffix(options, "4k") {
				cluster = 4 * kib
			}
			all = append(all, encrypted(fmt.Sprintf("iotest-134,%s,%d", options, len(password)), password,
				options+",encrypt.format=aes", size, writes(cluster)))
		}
	}
	for _, options := range []string{
		"cluster_size=64k", "cluster_size=512", "extended_l2=on", "compat=v2",
		"encrypt.cipher-alg=aes-128,encrypt.cipher-mode=cbc,encrypt.ivgen-alg=essiv,encrypt.ivgen-hash-alg=sha256,encrypt.hash-alg=sha1",
		"encrypt.cipher-alg=aes-256,encrypt.cipher-mode=ecb,encrypt.hash-alg=sha512",
		"encrypt.cipher-alg=twofish-256,encrypt.cipher-mode=xts,encrypt.ivgen-alg=plain,encrypt.hash-alg=ripemd160",
		"encrypt.cipher-alg=cast5-128,encrypt.cipher-mode=cbc,encrypt.ivgen-alg=plain64",
	} {
		cluster := int64(64 * kib)
		if strings.HasSuffix(options, "=512") {
			cluster = 512
		}
		all = append(all, encrypted("iotest-188,"+strings.ReplaceAll(options, "encrypt.", ""), "astrochicken",
			options+",encrypt.format=luks,encrypt.iter-time=10", size, writes(cluster)))
	}
	luks := "encrypt.format=luks,encrypt.iter-time=10"
	return append(all,
		encrypted("iotest-188,data-file", "astrochicken", luks+",data_file=disk.data", size,
			[]string{"write -q -P 1 0 100k", "write -q -z 64k 64k", "write -q -P 2 1M 1k"}),
		// Below lies plain data, which the key is not for.
		encrypted("iotest-188,over-raw", "astrochicken", luks+",backing_file=base.raw,backing_fmt=raw", size,
			writes(64*kib), command{"sparse", "base.raw", fmt.Sprint(mib + 1536), "5"}),
	)
}

// wrongPasswords opens encrypted images with passwords that are not theirs.
// LUKS notices; AES reads what nobody wrote, and QEMU reads the same.
func wrongPasswords(t *testing.T) {
	for _, r := range []recipe{*recipeOf("luks"), *recipeOf("aes")} {
		dir := unpackCommitted(t, r.name)
		wrong := r
		wrong.password = "none of these"
		im, err := qcow2.Open(filepath.Join(dir, diskName), &qcow2.Options{Password: []byte(wrong.password)})
		raw := filepath.Join(t.TempDir(), "raw")
		_, theirs := runTool(t, dir, "qemu-img", append([]string{"convert", "-O", "raw"}, append(source(&wrong), raw)...)...)
		if (err == nil) != (theirs == nil) {
			t.Errorf("%s: %v, QEMU: %v", r.name, err, theirs)
		}
		if err != nil {
			if !errors.Is(err, qcow2.ErrPassword) {
				t.Errorf("%s: %v", r.name, err)
			}
			continue
		}
		defer im.Close()
		compareContents(t, im, raw)
	}
}

// withoutPassword looks at encrypted images without a password: all but the
// data is there.
func withoutPassword(t *testing.T) {
	for _, name := range []string{"luks", "aes"} {
		dir := unpackCommitted(t, name)
		im := openImage(t, dir)
		compareInfo(t, im, mustTool(t, dir, "qemu-img", "info", "-f", "qcow2", "--output=json", diskName))
		compareEntries(t, mapOf(t, im, 0, im.Size()), readExpectation(t, name).Map)
		_, err := im.WriteTo(io.Discard)
		checkError(t, "read", err, qcow2.ErrPassword)
		if v := askVerdict(t, dir); !v.opens || v.reads {
			t.Errorf("QEMU: %s", &v)
		}
	}
}

// brokenLUKS changes fields of the LUKS header of an image. Whoever wants the
// data is told; who wants none is not disturbed.
func brokenLUKS(t *testing.T) {
	good := filesIn(t, unpackCommitted(t, "luks"))[diskName]
	at := int64((&editor{t, good}).get64((&editor{t, good}).find(qcow2.QCOW2_EXT_MAGIC_CRYPTO_HEADER) + qcow2.OffsetofQcow2CryptoHeaderExtension_Offset))
	slot := at + luks.OffsetofLuksPhdr_KeySlots
	for name, alter := range map[string]func(e *editor){
		"magic":              func(e *editor) { e.u8(at, 'l') },
		"version":            func(e *editor) { e.u16(at+luks.OffsetofLuksPhdr_Version, 2) },
		"cipher":             func(e *editor) { e.u8(at+luks.OffsetofLuksPhdr_CipherName, 'x') },
		"cipher without end": func(e *editor) { copy(e.b[at+luks.OffsetofLuksPhdr_CipherName:], strings.Repeat("a", 32)) },
		"hash":               func(e *editor) { e.u8(at+luks.OffsetofLuksPhdr_HashSpec, 'x') },
		"length of the key":  func(e *editor) { e.u32(at+luks.OffsetofLuksPhdr_KeyBytes, 7) },
		"digest":             func(e *editor) { e.u8(at+luks.OffsetofLuksPhdr_MkDigest, e.b[at+luks.OffsetofLuksPhdr_MkDigest]^1) },
		"stripes":            func(e *editor) { e.u32(slot+luks.OffsetofLuksKeySlot_Stripes, 3999) },
		"iterations of 0":    func(e *editor) { e.u32(slot+luks.OffsetofLuksKeySlot_Iterations, 0) },
		"no slot in use":     func(e *editor) { e.u32(slot+luks.OffsetofLuksKeySlot_Active, luks.LUKS_KEY_DISABLED) },
		"overlapping slots": func(e *editor) {
			e.b[slot+luks.SizeofLuksKeySlot+luks.OffsetofLuksKeySlot_KeyMaterialOffset+3] = e.b[slot+luks.OffsetofLuksKeySlot_KeyMaterialOffset+3]
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := unpackCommitted(t, "luks")
			editImage(t, dir, alter)
			r := recipeOf("luks")
			im, err := qcow2.Open(filepath.Join(dir, diskName), &qcow2.Options{Password: []byte(r.password)})
			if err == nil {
				im.Close()
				t.Error("it opens")
			} else if e := new(qcow2.Error); !errors.As(err, &e) {
				t.Errorf("%v is no *Error", err)
			}
			_, theirs := runTool(t, dir, "qemu-img", append([]string{"convert", "-O", "raw"}, append(source(r), os.DevNull)...)...)
			if theirs == nil {
				t.Errorf("%v, QEMU reads it", err)
			}
		})
	}
}

// recipeOf is the recipe of a committed image.
func recipeOf(name string) *recipe {
	for _, r := range committedRecipes() {
		if r.name == name {
			return &r
		}
	}
	panic("no committed image is called " + name)
}
