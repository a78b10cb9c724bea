package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cstructgen/gen"
)

// kernelSample is a wide sample of headers that the kernel gives to programs:
// file systems, networks, devices, tracing.
var kernelSample = []string{
	"linux/btrfs.h", "linux/btrfs_tree.h", "linux/gfs2_ondisk.h", "linux/nilfs2_ondisk.h", "linux/jffs2.h",
	"linux/elf.h", "linux/usb/ch9.h", "linux/ip.h", "linux/tcp.h", "linux/raid/md_p.h", "linux/fuse.h",
	"linux/virtio_blk.h", "linux/virtio_net.h", "linux/virtio_ring.h", "linux/perf_event.h", "linux/bpf.h",
}

// Of each header, what is emitted compiles, is what vet wants, and passes the
// tests that come with it; its sizes are gcc's; and struc, where the types
// carry its tags, decodes and encodes the same.
func TestKernelSample(t *testing.T) {
	requireTool(t, "gcc")
	if _, err := os.Stat("/usr/include/linux/types.h"); err != nil {
		if inCI() {
			t.Fatal(err)
		}
		t.Skip("no kernel headers are installed")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "c"), 0o777); err != nil { // not Go's
		t.Fatal(err)
	}
	sums, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	strucLine := regexp.MustCompile(`github.com/lunixbochs/struc \S+`).Find(ours)
	writeFile(t, filepath.Join(dir, "go.mod"), fmt.Sprintf("module m\n\ngo 1.26\n\nrequire %s\n", strucLine))
	writeFile(t, filepath.Join(dir, "go.sum"), string(sums))
	var imports, checks, includes, sizes strings.Builder
	tagged := 0
	for i, name := range kernelSample {
		pkg := regexp.MustCompile(`\W`).ReplaceAllString(strings.TrimSuffix(filepath.Base(name), ".h"), "") + fmt.Sprint(i)
		code := generateHeader(t, name, pkg, filepath.Join(dir, pkg))
		fmt.Fprintf(&imports, "\t%q\n", "m/"+pkg)
		fmt.Fprintf(&includes, "#include <%s>\n", name)
		for _, m := range regexp.MustCompile(`(?m)^// (\w+) is the C (?:type )?((?:struct |union )?\w+): \d+ bytes?`).FindAllStringSubmatch(code, -1) {
			fmt.Fprintf(&sizes, "printf(\"%s.%s %%zu\\n\", sizeof(%s));\n", pkg, m[1], m[2])
			fmt.Fprintf(&checks, "fmt.Println(\"%s.%s\", %s.Sizeof%s)\n", pkg, m[1], pkg, m[1])
			body := regexp.MustCompile(`(?s)\ntype ` + m[1] + ` struct \{\n(.*?)\n\}`).FindStringSubmatch(code)
			if body != nil && strings.Contains(body[1], "`struc:") {
				tagged++
				fmt.Fprintf(&checks, "check(new(%s.%s), new(%s.%s), new(%s.%s))\n", pkg, m[1], pkg, m[1], pkg, m[1])
			}
		}
	}
	writeFile(t, filepath.Join(dir, "main.go"), "package main\n\nimport (\n\t\"bytes\"\n\t\"encoding\"\n\t\"fmt\"\n\t\"math/rand/v2\"\n\t\"reflect\"\n\n"+
		"\t\"github.com/lunixbochs/struc\"\n\n"+imports.String()+")\n"+strucCheck+"\nfunc main() {\n"+checks.String()+"}\n")
	writeFile(t, filepath.Join(dir, "c", "main.c"), "#include <stdio.h>\n#include <stdint.h>\n"+includes.String()+
		"int main(void) {\n"+sizes.String()+"}\n")
	goTool(t, dir, "test", "-vet=all", "./...")
	got := strings.Split(strings.TrimSpace(string(goTool(t, dir, "run", "."))), "\n")
	mustTool(t, dir, "gcc", "-w", "-o", "sizes", "c/main.c")
	want := strings.Split(strings.TrimSpace(string(mustTool(t, dir, filepath.Join(dir, "sizes")))), "\n")
	t.Logf("%d types, %d of them with tags for struc", len(want), tagged)
	if len(want) < 300 || tagged < 150 {
		t.Errorf("%d types, %d with tags: fewer than there were", len(want), tagged)
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("generated code: %s", line)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d lines from Go, %d from gcc", len(got), len(want))
	}
}

// strucCheck is Go that compares a generated codec with struc.
const strucCheck = `
type codec interface {
	encoding.BinaryUnmarshaler
	encoding.BinaryMarshaler
}

func check(ours, theirs, zero codec) {
	b, _ := zero.MarshalBinary()
	for i := range b {
		// Of a bool, struc knows 0 and 1 alone.
		b[i] = byte(rand.Uint32())
	}
	if err := ours.UnmarshalBinary(b); err != nil {
		fmt.Printf("%T: %v\n", ours, err)
	}
	if err := struc.Unpack(bytes.NewReader(b), theirs); err != nil {
		fmt.Printf("%T: struc: %v\n", ours, err)
	}
	encoded, _ := ours.MarshalBinary()
	again, _ := theirs.MarshalBinary()
	// A NaN is not equal to itself, its bytes are.
	if !reflect.DeepEqual(ours, theirs) && !bytes.Equal(encoded, again) {
		fmt.Printf("%T: %x is\n%+v, for struc\n%+v\n", ours, b, ours, theirs)
	}
	var packed bytes.Buffer
	if err := struc.Pack(&packed, ours); err != nil || !bytes.Equal(packed.Bytes(), encoded) {
		fmt.Printf("%T: %x, for struc %x, %v\n", ours, encoded, packed.Bytes(), err)
	}
}
`

// generateHeader writes the package made from a system header, with its tests,
// into a directory, and returns its text.
func generateHeader(t *testing.T, name, pkg, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/usr/include", name))
	if err != nil {
		t.Fatal(err)
	}
	cfg := gen.Config{
		Package: pkg, Test: true,
		Files: []gen.Source{{
			Name: name, Text: text, Path: name,
			Dir: gen.Dir{Name: "/usr/include", FS: os.DirFS("/usr/include")},
		}},
	}
	for _, d := range systemDirs {
		cfg.Include = append(cfg.Include, gen.Dir{Name: d, FS: os.DirFS(d)})
	}
	files, err := gen.Generate(cfg)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		writeFile(t, filepath.Join(dir, f.Name), string(f.Text))
	}
	return string(files[0].Text)
}
