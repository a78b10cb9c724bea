package tests

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cstructgen/qcow2"
)

// Properties of images that matter to encryption, each as options of create.
var encryptedImages = []struct{ name, options string }{
	{"luks", "encrypt.format=luks,encrypt.iter-time=10,cluster_size=4k"},
	{"luks,extended", "encrypt.format=luks,encrypt.iter-time=10,cluster_size=16k,extended_l2=on"},
	{"luks,data-file", "encrypt.format=luks,encrypt.iter-time=10,cluster_size=4k,data_file=data.bin"},
	{"luks,data-file-raw", "encrypt.format=luks,encrypt.iter-time=10,cluster_size=4k,data_file=data.bin,data_file_raw=on"},
	{"luks,preallocated", "encrypt.format=luks,encrypt.iter-time=10,preallocation=metadata"},
	{"luks,falloc", "encrypt.format=luks,encrypt.iter-time=10,preallocation=falloc,cluster_size=512"},
	{"luks,full", "encrypt.format=luks,encrypt.iter-time=10,preallocation=full,compat=v2"},
	{"luks,2M,cbc", "encrypt.format=luks,encrypt.iter-time=10,cluster_size=2M,encrypt.cipher-mode=cbc,encrypt.ivgen-alg=essiv,encrypt.ivgen-hash-alg=sha256"},
	{"aes", "encrypt.format=aes,cluster_size=4k"},
	{"aes,v2", "encrypt.format=aes,compat=v2,cluster_size=512"},
	{"aes,extended", "encrypt.format=aes,cluster_size=16k,extended_l2=on"},
	{"aes,data-file", "encrypt.format=aes,cluster_size=4k,data_file=data.bin"},
	{"aes,preallocated", "encrypt.format=aes,preallocation=metadata"},
}

// imageSource are the arguments that name the image called name to qemu-img:
// its password is in the file "key", that of its backing file in "below".
func imageSource(name string, backing bool) []string {
	opts := "driver=qcow2,encrypt.key-secret=key,file.driver=file,file.filename=" + name
	args := []string{"--object", "secret,id=key,file=key"}
	if backing {
		opts += ",backing.encrypt.key-secret=below"
		args = append(args, "--object", "secret,id=below,file=below")
	}
	return append(args, "--image-opts", opts)
}

// TestEncryptedImages reads images of every kind that data can be encrypted
// in: written in whole and in part, zeroed, compressed, over a backing file, with
// a snapshot, not written at all.
func TestEncryptedImages(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	for i, tt := range encryptedImages {
		if i%4 > 0 && !wholeCorpus() {
			continue // QEMU takes a second for each password
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			secret := []string{"--object", "secret,id=key,file=key"}
			options := tt.options + ",encrypt.key-secret=key"
			size := "3M"
			steps := []command{{"secret", "key", "open sesame"}, {"text", "text.bin", "300000", "1"}}
			snapshots := !strings.Contains(tt.name, "data-file") // QEMU makes none there
			plain := strings.Contains(tt.name, "data-file-raw") || strings.Contains(tt.options, "preallocation")
			if !plain { // those take no backing file
				steps = append(steps, command{"text", "base.raw", "2499584", "2"})
				options += ",backing_file=base.raw,backing_fmt=raw"
			}
			steps = append(steps, append(append(img("create", "-q", "-f", "qcow2"), secret...), "-o", options, diskName, size))
			write := func(commands ...string) {
				c := append(command{"qemu-io", "-t", "unsafe"}, imageSource(diskName, false)...)
				for _, w := range commands {
					c = append(c, "-c", w)
				}
				steps = append(steps, c)
			}
			write("write -q -P 1 0 64k", "write -q -s text.bin 100100 1000", "write -q -s text.bin 200k 290k", "write -q -P 3 2900k 1k")
			if snapshots {
				steps = append(steps, append(img("snapshot", "-c", "before"), imageSource(diskName, false)...))
			}
			write("write -q -P 4 30k 5000", "write -q -s text.bin 2M 5k")
			if !strings.Contains(tt.options, "compat=v2") {
				write("write -q -z 48k 4k", "write -q -z 300k 50001", "write -q -z -u 2500k 64k")
			}
			if !plain && snapshots && !strings.Contains(tt.options, "2M") { // where QEMU compresses
				write("write -q -c -s text.bin 1M 64k")
			}
			for _, c := range steps {
				if err := b.run(c, dir); err != nil {
					t.Fatal(err)
				}
			}
			compareEncrypted(t, dir, snapshots)
		})
	}
}

// compareEncrypted compares the encrypted image in dir with what qemu-img says
// of it.
func compareEncrypted(t *testing.T, dir string, snapshot bool) {
	t.Helper()
	source := imageSource(diskName, false)
	im := openRecipe(t, &recipe{password: "open sesame"}, dir)
	raw := filepath.Join(dir, "raw")
	mustTool(t, dir, "qemu-img", append(append([]string{"convert", "-O", "raw"}, source...), raw)...)
	compareContents(t, im, raw)
	compareMap(t, im, mustTool(t, dir, "qemu-img", append([]string{"map", "--output=json"}, source...)...))
	if snapshot {
		mustTool(t, dir, "qemu-img", append(append([]string{"convert", "-O", "raw", "-l", "before"}, source...), raw)...)
		view, err := im.OpenSnapshot("before")
		if err != nil {
			t.Fatal(err)
		}
		compareContents(t, view, raw)
	}
	locked := openRecipe(t, new(recipe), dir)
	compareInfo(t, locked, mustTool(t, dir, "qemu-img", "info", "-f", "qcow2", "--output=json", diskName))
	var e *qcow2.Error
	if n, err := locked.ReadAt(make([]byte, 1000), 1000); n != 0 || !errors.Is(err, qcow2.ErrPassword) || !errors.As(err, &e) {
		t.Errorf("without a password: %d bytes, %v", n, err)
	}
}

// TestEncryptedChain reads layers of which each has its own password, with the
// tool, too.
func TestEncryptedChain(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	tool := buildTool(t)
	dir := t.TempDir()
	layer := func(name, options string, writes ...string) []command {
		key := map[string]string{diskName: "key", "base.qcow2": "below"}[name]
		object := "secret,id=key,file=" + key
		c := command{"qemu-io", "-t", "unsafe", "--object", object, "--image-opts"}
		for _, w := range writes {
			c = append(c, "-c", w)
		}
		return []command{
			img("create", "-q", "-f", "qcow2", "--object", object, "-o", options+",encrypt.key-secret=key", name, "1M"),
			append(c, "driver=qcow2,encrypt.key-secret=key,file.driver=file,file.filename="+name),
		}
	}
	steps := []command{{"secret", "key", "of the overlay"}, {"secret", "below", "of the base\n"}, {"text", "text.bin", "300000", "1"}}
	steps = append(steps, layer("base.qcow2", "encrypt.format=luks,encrypt.iter-time=10", "write -q -s text.bin 0 290k", "write -q -P 1 700k 100k")...)
	steps = append(steps, layer(diskName, "encrypt.format=aes,cluster_size=4k", "write -q -P 2 100k 100k", "write -q -z 720k 8k")...)
	steps = append(steps,
		append(append(img("rebase", "-u", "-F", "qcow2", "-b", "base.qcow2"), "--object", "secret,id=key,file=key", "--image-opts"),
			"driver=qcow2,encrypt.key-secret=key,file.driver=file,file.filename="+diskName),
		append(append(command{"qemu-io", "-t", "unsafe"}, imageSource(diskName, true)...), "-c", "write -q -P 3 50k 100", "-c", "write -q -P 4 790k 20k"))
	for _, c := range steps {
		if err := b.run(c, dir); err != nil {
			t.Fatal(err)
		}
	}
	raw := filepath.Join(dir, "raw")
	mustTool(t, dir, "qemu-img", append(append([]string{"convert", "-O", "raw"}, imageSource(diskName, true)...), raw)...)
	passwords := map[string]string{diskName: "of the overlay", "base.qcow2": "of the base\n"}
	im, err := qcow2.Open(filepath.Join(dir, diskName), &qcow2.Options{
		AllowDirs: []string{dir},
		PasswordOf: func(l qcow2.EncryptedLayer) ([]byte, error) {
			return []byte(passwords[filepath.Base(l.Name)]), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	compareContents(t, im, raw)

	if _, err := runFound(dir, tool, "convert", "--allow-dir", ".", "--secret-file", "key", "--secret-file", "below", diskName, "ours"); err != nil {
		t.Fatal(err)
	}
	if got, want := fileSum(t, filepath.Join(dir, "ours")), fileSum(t, raw); got != want {
		t.Errorf("the tool converts to %s, qemu-img to %s", got, want)
	}
	out, err := runFound(dir, tool, "convert", "--allow-dir", ".", "--secret-file", "key", diskName, "none")
	if err == nil || !strings.Contains(err.Error(), "--secret-file") || len(out) > 0 {
		t.Errorf("without the second password: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "none")); err == nil {
		t.Error("a target was left")
	}
}
