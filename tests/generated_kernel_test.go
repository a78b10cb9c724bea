package tests

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"cstructgen/internal/testseed"
)

// kernelSample is a wide sample of headers that the kernel gives to programs:
// file systems, executables, networks, buses, devices, virtual machines,
// tracing; with the flags that some need. Those marked depend on the byte
// order in a way that --endian both refuses.
var kernelSample = []struct {
	name    string
	flags   []string
	ordered bool
}{
	{name: "linux/btrfs.h"}, {name: "linux/btrfs_tree.h"}, {name: "linux/gfs2_ondisk.h"},
	{name: "linux/nilfs2_ondisk.h"}, {name: "linux/jffs2.h"}, {name: "linux/msdos_fs.h"},
	{name: "linux/cramfs_fs.h"}, {name: "linux/romfs_fs.h"}, {name: "linux/minix_fs.h"},
	{name: "linux/bfs_fs.h"}, {name: "linux/iso_fs.h"}, {name: "linux/affs_hardblocks.h"},
	{name: "linux/raid/md_p.h"}, {name: "linux/fscrypt.h"}, {name: "linux/fuse.h"},
	{name: "linux/elf.h"}, {name: "linux/coff.h"}, {name: "linux/a.out.h"},
	{name: "linux/if_ether.h"}, {name: "linux/ip.h"}, {name: "linux/ipv6.h"}, {name: "linux/tcp.h", ordered: true},
	{name: "linux/udp.h"}, {name: "linux/icmp.h"}, {name: "linux/netlink.h"}, {name: "linux/rtnetlink.h"},
	{name: "linux/can.h"},
	{name: "linux/usb/ch9.h"}, {name: "linux/usb/cdc.h"}, {name: "linux/usb/audio.h"}, {name: "linux/input.h"},
	{name: "linux/cdrom.h"}, {name: "linux/nvme_ioctl.h"}, {name: "linux/dm-ioctl.h"},
	{name: "linux/virtio_blk.h"}, {name: "linux/virtio_net.h"}, {name: "linux/virtio_ring.h"},
	{name: "linux/virtio_gpu.h"}, {name: "linux/virtio_scsi.h"}, {name: "linux/virtio_crypto.h"},
	{name: "linux/vhost.h"}, {name: "linux/vfio.h"}, {name: "linux/kvm.h"}, {name: "linux/hyperv.h"},
	{name: "linux/io_uring.h"}, {name: "linux/perf_event.h"}, {name: "linux/bpf.h"},
	{name: "linux/taskstats.h"}, {name: "linux/acct.h", ordered: true},
	{name: "linux/msg.h", flags: []string{"--rename", "__MSGSEG=MaxSegments"}},
	{name: "sound/asound.h", flags: []string{
		"--rename", "__snd_pcm_mmap_status64.__pad1=PadStatus", "--rename", "__snd_pcm_mmap_control64.__pad1=PadControl",
	}},
}

// sampleSize is how many headers of the sample are tried where time is short.
const sampleSize = 6

// Of each header, in little-endian and some in big-endian and in both orders,
// what is emitted compiles, is what vet wants and, with the whole corpus, some
// of it what staticcheck does, and passes the tests that come with it; its sizes
// are gcc's; and struc, where the types carry its tags, decodes and encodes the
// same.
func TestKernelSample(t *testing.T) {
	t.Parallel()
	requireTool(t, "gcc")
	if _, err := os.Stat("/usr/include/linux/types.h"); err != nil {
		if inCI() {
			t.Fatal(err)
		}
		t.Skip("no kernel headers are installed")
	}
	sample := slices.Clone(kernelSample)
	if !wholeCorpus() {
		testseed.Rand(t).Shuffle(len(sample), func(i, j int) { sample[i], sample[j] = sample[j], sample[i] })
		sample = sample[:sampleSize]
	}
	m := newKernelModule(t)
	var wait sync.WaitGroup
	turn := make(chan bool, runtime.GOMAXPROCS(0))
	for i, h := range sample {
		// In the other orders, every fifth.
		orders := []string{"little", []string{"big", "both"}[i/5%2]}
		switch {
		case i%5 != 0:
			orders = orders[:1]
		case h.ordered:
			orders[1] = "big"
		}
		for _, order := range orders {
			wait.Go(func() {
				turn <- true
				defer func() { <-turn }()
				m.add(h.name, order, h.flags)
			})
		}
	}
	wait.Wait()
	if t.Failed() {
		return
	}
	m.finish()
	goTool(t, m.dir, "vet", "./emitted/...")
	if wholeCorpus() {
		lint(t, m.dir, m.some())
	}
	// Unoptimised: it runs for a second, and compiles for a minute less.
	goTool(t, m.dir, "test", "-vet=off", "-gcflags=m/...=-N -l", "./run")
	got := lines(t, filepath.Join(m.dir, "run", "sizes"))
	want := m.sizes()
	t.Logf("%d headers, %d types, %d of them with tags for struc", len(sample), len(want), m.tagged)
	if len(want) < 20*len(sample)/4 || m.tagged < 4*len(sample)/4 {
		t.Errorf("fewer types than there were")
	}
	if len(got) != len(want) {
		t.Errorf("%d sizes from Go, %d from gcc", len(got), len(want))
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("generated code: %s", line)
		}
	}
}

// lines returns the lines of a file.
func lines(t *testing.T, name string) []string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// lint runs the version of staticcheck that CI runs, with all of its checks
// but those that ask for another spelling of C's names.
func lint(t *testing.T, dir string, packages []string) {
	t.Helper()
	script, err := os.ReadFile("../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	tool := regexp.MustCompile(`honnef\.co/go/tools/cmd/staticcheck@\S+`).Find(script)
	if tool == nil {
		t.Fatal(".ci/run does not name a version of staticcheck")
	}
	cmd := exec.Command("go", append([]string{"run", string(tool), "-checks", "all,-ST1000,-ST1003"}, packages...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("staticcheck: %v\n%s", err, out)
	}
}

// A kernelModule is a module in which each header is a package, twice: as it
// is emitted, for vet and staticcheck; and with its tests beside the code as
// any other functions, so that one program runs those of all packages.
type kernelModule struct {
	t         *testing.T
	dir       string
	generator string
	mu        sync.Mutex
	imports   []string
	tests     []string // Go: functions of the packages
	checks    []string // Go: struc against generated code
	prints    []string // Go: sizes
	headers   []string // C: a file for each
	tagged    int
}

func newKernelModule(t *testing.T) *kernelModule {
	t.Helper()
	m := &kernelModule{t: t, dir: t.TempDir()}
	m.generator = filepath.Join(m.dir, "cstructgen")
	goTool(t, "..", "build", "-o", m.generator, "./cmd/cstructgen")
	sums, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	strucLine := regexp.MustCompile(`github.com/lunixbochs/struc \S+`).Find(ours)
	writeFile(t, filepath.Join(m.dir, "go.mod"), fmt.Sprintf("module m\n\ngo 1.26\n\nrequire %s\n", strucLine))
	writeFile(t, filepath.Join(m.dir, "go.sum"), string(sums))
	for _, sub := range []string{"emitted", "run", "c"} {
		if err := os.Mkdir(filepath.Join(m.dir, sub), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

var (
	notWord      = regexp.MustCompile(`\W`)
	typeDocs     = regexp.MustCompile(`(?m)^// (\w+) is the C (?:type )?((?:struct |union )?\w+): \d+ bytes?`)
	testFunction = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
)

// add generates a header's packages, and notes what to do with them.
func (m *kernelModule) add(header, order string, flags []string) {
	pkg := notWord.ReplaceAllString(strings.TrimSuffix(header, ".h"), "") + order
	for _, dir := range []string{"emitted/" + pkg, "run/" + pkg} {
		if err := os.Mkdir(filepath.Join(m.dir, dir), 0o777); err != nil {
			m.t.Error(err)
			return
		}
	}
	file := filepath.Join(m.dir, "emitted", pkg, "gen.go")
	args := append([]string{"--package", pkg, "--endian", order, "--test", "-o", file}, flags...)
	for _, d := range confinedDirs() {
		args = append(args, "-I"+d)
	}
	if out, err := exec.Command(m.generator, append(args, "/usr/include/"+header)...).CombinedOutput(); err != nil {
		m.t.Errorf("%s, %s: %v\n%s", header, order, err, out)
		return
	}
	code, err := os.ReadFile(file)
	if err != nil {
		m.t.Error(err)
		return
	}
	tests, err := os.ReadFile(strings.TrimSuffix(file, ".go") + "_test.go")
	if err != nil {
		m.t.Error(err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	writeFile(m.t, filepath.Join(m.dir, "run", pkg, "gen.go"), string(code))
	writeFile(m.t, filepath.Join(m.dir, "run", pkg, "tests.go"), string(tests))
	for _, f := range testFunction.FindAllSubmatch(tests, -1) {
		m.tests = append(m.tests, fmt.Sprintf("{\"%s.%s\", %s.%s},", pkg, f[1], pkg, f[1]))
	}
	if testFunction.Match(tests) {
		m.imports = append(m.imports, fmt.Sprintf("%q", "m/run/"+pkg))
	}
	var sizes strings.Builder
	for _, d := range typeDocs.FindAllSubmatch(code, -1) {
		fmt.Fprintf(&sizes, "\tprintf(\"%s.%s %%zu\\n\", sizeof(%s));\n", pkg, d[1], d[2])
		m.prints = append(m.prints, fmt.Sprintf("fmt.Fprintln(&out, \"%s.%s\", %s.Sizeof%s)", pkg, d[1], pkg, d[1]))
		body := regexp.MustCompile(`(?s)\ntype ` + string(d[1]) + ` struct \{\n(.*?)\n\}`).FindSubmatch(code)
		if body == nil || !strings.Contains(string(body[1]), "`struc:") {
			continue
		}
		m.tagged++
		// The order that struc is given goes over those of tags; where the
		// type has none, it must be given.
		codecs := map[string]string{"": "nil"}
		if order == "both" {
			codecs = map[string]string{"LE": "binary.LittleEndian", "BE": "binary.BigEndian"}
		}
		for suffix, order := range codecs {
			typ := pkg + "." + string(d[1])
			array := fmt.Sprintf("(*[%s.Sizeof%s]byte)(b)", pkg, d[1])
			m.checks = append(m.checks, fmt.Sprintf(
				"check(t, %s.Sizeof%s, %s, func(x *%s, b []byte) { x.Decode%s(%s) }, func(x *%s, b []byte) { x.Encode%s(%s) })",
				pkg, d[1], order, typ, suffix, array, typ, suffix, array))
		}
	}
	n := len(m.headers)
	m.headers = append(m.headers, fmt.Sprintf(
		"#include <stdio.h>\n#include <stdint.h>\n#include <%s>\nvoid sizes%d(void)\n{\n%s}\n", header, n, sizes.String()))
}

// some returns four of the packages, of middling size: linting takes several
// times as long as all else.
func (m *kernelModule) some() []string {
	m.t.Helper()
	names, err := filepath.Glob(filepath.Join(m.dir, "emitted", "*"))
	if err != nil || len(names) == 0 {
		m.t.Fatalf("no packages: %v", err)
	}
	size := func(dir string) int64 {
		info, err := os.Stat(filepath.Join(dir, "gen.go"))
		if err != nil {
			m.t.Fatal(err)
		}
		return info.Size()
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(size(a), size(b)) })
	var packages []string
	for _, name := range names[len(names)/4:][:min(4, len(names)/2)] {
		packages = append(packages, "./emitted/"+filepath.Base(name))
	}
	return packages
}

// finish writes the programs in Go and C.
func (m *kernelModule) finish() {
	for _, list := range [][]string{m.imports, m.tests, m.checks, m.prints} {
		slices.Sort(list)
	}
	writeFile(m.t, filepath.Join(m.dir, "run", "run_test.go"), "package run\n\nimport (\n"+
		strings.Join([]string{
			`"bytes"`, `"encoding/binary"`, `"fmt"`, `"math/rand/v2"`, `"os"`, `"reflect"`, `"testing"`, "",
			`"github.com/lunixbochs/struc"`, "",
		}, "\n")+strings.Join(m.imports, "\n")+"\n)\n"+
		fmt.Sprintf("\nvar random = rand.New(rand.NewPCG(%d, 0))\n", testseed.Of(m.t))+strucCheck+
		"\nfunc TestSizes(t *testing.T) {\nvar out bytes.Buffer\n"+strings.Join(m.prints, "\n")+
		"\nif err := os.WriteFile(\"sizes\", out.Bytes(), 0o666); err != nil {\nt.Fatal(err)\n}\n}\n"+
		"\nfunc TestStruc(t *testing.T) {\n"+strings.Join(m.checks, "\n")+"\n}\n"+
		"\nfunc TestEmitted(t *testing.T) {\nfor _, c := range []struct{ name string; run func(*testing.T) }{\n"+
		strings.Join(m.tests, "\n")+"\n} {\nt.Run(c.name, c.run)\n}\n}\n")
	main := "int main(void)\n{\n"
	for i, text := range m.headers {
		writeFile(m.t, filepath.Join(m.dir, "c", fmt.Sprintf("header%d.c", i)), text)
		main = fmt.Sprintf("void sizes%d(void);\n%s\tsizes%d();\n", i, main, i)
	}
	writeFile(m.t, filepath.Join(m.dir, "c", "main.c"), main+"}\n")
}

// sizes returns gcc's, as lines.
func (m *kernelModule) sizes() []string {
	m.t.Helper()
	files, err := filepath.Glob(filepath.Join(m.dir, "c", "*.c"))
	if err != nil || len(files) == 0 {
		m.t.Fatalf("no C: %v", err)
	}
	program := filepath.Join(m.dir, "c", "sizes")
	mustTool(m.t, m.dir, "gcc", append([]string{"-w", "-o", program}, files...)...)
	return strings.Split(strings.TrimSpace(string(mustTool(m.t, m.dir, program))), "\n")
}

// strucCheck is Go that compares a generated codec with struc, on random bytes.
const strucCheck = `
func check[T any](t *testing.T, size int, order binary.ByteOrder, decode, encode func(*T, []byte)) {
	b, ours, theirs := make([]byte, size), new(T), new(T)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	decode(ours, b)
	if err := struc.UnpackWithOptions(bytes.NewReader(b), theirs, &struc.Options{Order: order}); err != nil {
		t.Errorf("%T: struc: %v", ours, err)
	}
	encoded, again := make([]byte, size), make([]byte, size)
	encode(ours, encoded)
	encode(theirs, again)
	// A NaN is not equal to itself, its bytes are.
	if !reflect.DeepEqual(ours, theirs) && !bytes.Equal(encoded, again) {
		t.Errorf("%T: %x is\n%+v, for struc\n%+v", ours, b, ours, theirs)
	}
	var packed bytes.Buffer
	if err := struc.PackWithOptions(&packed, ours, &struc.Options{Order: order}); err != nil || !bytes.Equal(packed.Bytes(), encoded) {
		t.Errorf("%T: %x, for struc %x, %v", ours, encoded, packed.Bytes(), err)
	}
}
`
