package tests

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A recipe says how an image comes to be: commands run one after the other in
// the image's own directory. It is plain data, so that a test's name, its
// commands and the committed manifest all say the same.
type recipe struct {
	name     string    // what the image is, as the name of a subtest
	about    string    // for readers of the committed images
	below    []command // make files that no step and no test writes to: those of the layers below
	steps    []command // in order
	password string    // of encrypted images
	noData   bool      // its data cannot be read: metadata alone is compared
	slow     bool      // QEMU takes seconds for it: compared with the whole corpus only
}

// diskName is the image that every recipe ends with.
const diskName = "disk.qcow2"

// A command is a program with its arguments. Besides qemu-img and qemu-io
// there are programs of our own:
//
//	noise FILE SIZE SEED   random bytes, which no method compresses
//	text FILE SIZE SEED    lines of text, which every method compresses
//	sparse FILE SIZE SEED  a raw disk with text, noise and holes
//	clear FILE OFF LEN     zeros over a part of the file
//	try COMMAND            the command, which may fail
//	secret FILE TEXT       a password, without a newline
type command []string

func (c command) String() string {
	quoted := make([]string, len(c))
	for i, arg := range c {
		if arg == "" || strings.ContainsAny(arg, " '\"") {
			arg = strconv.Quote(arg)
		}
		quoted[i] = arg
	}
	return strings.Join(quoted, " ")
}

// img is a run of qemu-img.
func img(args ...string) command { return append(command{"qemu-img"}, args...) }

// create makes a qcow2 file; options are those of -o, joined.
func create(name string, size int64, options ...string) command {
	c := img("create", "-q", "-f", "qcow2")
	if len(options) > 0 {
		c = append(c, "-o", strings.Join(options, ","))
	}
	return append(c, name, strconv.FormatInt(size, 10))
}

// qio runs qemu-io commands on a file of the given format. Flushes are left
// out: nothing here survives a crash of the machine anyway.
func qio(format, name string, commands ...string) command {
	c := command{"qemu-io", "-t", "unsafe", "-f", format}
	for _, cmd := range commands {
		c = append(c, "-c", cmd)
	}
	return append(c, name)
}

// withSecret is args, the arguments of qemu-img or qemu-io, with the image
// opened with a password, if there is one.
func withSecret(args []string, password string) []string {
	if password == "" {
		return args
	}
	const opened = "driver=qcow2,encrypt.key-secret=key,file.driver=file,file.filename=" + diskName
	object := []string{"--object", "secret,id=key,data=" + password, "--image-opts"}
	var all []string
	for i, arg := range args {
		switch {
		case arg == diskName:
			arg = opened
		case arg == "-f" && args[i+1] == "qcow2", i > 0 && args[i-1] == "-f" && arg == "qcow2":
			continue
		}
		all = append(all, arg)
	}
	if strings.HasPrefix(args[0], "-") { // qemu-io has no commands
		return append(object, all...)
	}
	return slices.Insert(all, 1, object...)
}

// sigKill is the qemu-io command that ends it as a crash does.
const sigKill = "sigraise 9"

// A builder runs recipes. Its zero value is not ready: see newBuilder.
type builder struct {
	tools  map[string]string // name -> path
	shared string            // sharedDir
}

// sharedFiles are the commands that make the files in builder.shared.
var sharedFiles = []command{
	{"text", "text.bin", "2097152", "1"},
	{"noise", "noise.bin", "2097152", "2"},
}

func newBuilder(t testing.TB) *builder {
	t.Helper()
	b := &builder{tools: map[string]string{
		"qemu-img": requireTool(t, "qemu-img"),
		"qemu-io":  requireTool(t, "qemu-io"),
	}}
	var err error
	if b.shared, err = sharedDir(); err != nil {
		t.Fatal(err)
	}
	return b
}

// build runs the steps of r in dir, which exists and is empty. The layers that
// it lies on are linked from where they were made.
func (b *builder) build(r *recipe, dir string) error {
	if len(r.below) > 0 {
		layers, err := b.layers(r.below)
		if err != nil {
			return fmt.Errorf("%s: below: %w", r.name, err)
		}
		files, err := os.ReadDir(layers)
		if err != nil {
			return err
		}
		for _, f := range files {
			if err := os.Link(filepath.Join(layers, f.Name()), filepath.Join(dir, f.Name())); err != nil {
				return err
			}
		}
	}
	for i, step := range r.steps {
		if err := b.run(step, dir); err != nil {
			return fmt.Errorf("%s: step %d: %w", r.name, i, err)
		}
	}
	return nil
}

// madeLayers are the directories of layers by the commands that made them, as
// functions that make them at the first call.
var madeLayers sync.Map

// layers runs the commands, but only once in a process for the same ones, and
// returns the directory with the files.
func (b *builder) layers(commands []command) (string, error) {
	layers, _ := madeLayers.LoadOrStore(fmt.Sprint(commands), sync.OnceValues(func() (string, error) {
		root, err := newProcessDir("layers-")
		if err != nil {
			return "", err
		}
		dir, err := b.imageDir(root)
		if err != nil {
			return "", err
		}
		return dir, b.build(&recipe{name: "layers", steps: commands}, dir)
	}))
	return layers.(func() (string, error))()
}

// imageDir makes the directory for an image in root, and beside it has the
// files of builder.shared.
func (b *builder) imageDir(root string) (string, error) {
	for _, c := range sharedFiles {
		if err := os.Symlink(filepath.Join(b.shared, c[1]), filepath.Join(root, c[1])); err != nil {
			return "", err
		}
	}
	dir := filepath.Join(root, "image")
	return dir, os.Mkdir(dir, 0o777)
}

func (b *builder) run(c command, dir string) error {
	if c[0] == "try" {
		_, _ = runFound(dir, b.tools[c[1]], c[2:]...)
		return nil
	}
	if path := b.tools[c[0]]; path != "" {
		c, environment, err := hastened(c)
		if err != nil {
			return err
		}
		out, err := runWith(environment, dir, path, c[1:]...)
		for range 20 {
			// QEMU measures how fast LUKS keys are derived here, and on a
			// machine that is busy now and then measures 0.
			if err == nil || !strings.Contains(err.Error(), "Unable to get accurate CPU usage") {
				break
			}
			out, err = runWith(environment, dir, path, c[1:]...)
		}
		if te := new(toolError); slices.Contains(c, sigKill) && errors.As(err, &te) && te.exit == -1 {
			return nil // as it was told
		}
		if err != nil && strings.Contains(err.Error(), "Marking image as corrupt") {
			// A few random orders of writes make QEMU 7.2 fail itself. Such an
			// image has the corrupt bit, and is there to be read.
			return nil
		}
		if c[0] == "qemu-io" && (err != nil || strings.Contains(string(out), "failed")) {
			// It says what failed on its standard output, and may end with 0.
			return fmt.Errorf("%.300s: %v: %s", c.String(), err, out)
		}
		return err
	}
	file := filepath.Join(dir, c[1])
	if c[0] == "secret" {
		return os.WriteFile(file, []byte(c[2]), 0o600)
	}
	var numbers [2]int64
	for i, s := range c[2:] {
		n, err := strconv.ParseInt(s, 0, 64)
		if err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
		numbers[i] = n
	}
	switch c[0] {
	case "noise":
		return os.WriteFile(file, noise(int(numbers[0]), uint64(numbers[1])), 0o666)
	case "text":
		return os.WriteFile(file, text(int(numbers[0]), uint64(numbers[1])), 0o666)
	case "sparse":
		return writeSparse(file, numbers[0], uint64(numbers[1]))
	case "clear":
		f, err := os.OpenFile(file, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = f.WriteAt(make([]byte, numbers[1]), numbers[0])
		return err
	}
	return fmt.Errorf("no program %q", c[0])
}

// hastened is a command as it is run: one that measures how fast LUKS keys are
// derived does it with fastClock.
func hastened(c command) (_ command, environment []string, err error) {
	const option = "iter-time="
	i := slices.IndexFunc(c, func(arg string) bool { return strings.Contains(arg, option) })
	if i < 0 {
		return c, nil, nil
	}
	clock, err := fastClock()
	if err != nil || clock == "" {
		return c, nil, err
	}
	before, after, _ := strings.Cut(c[i], option)
	number, rest, more := strings.Cut(after, ",")
	ms, err := strconv.Atoi(number)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", c, err)
	}
	if more {
		rest = "," + rest
	}
	c = slices.Clone(c)
	c[i] = fmt.Sprint(before, option, ms*clockFactor, rest)
	return c, []string{"LD_PRELOAD=" + clock}, nil
}

// noise returns n random bytes, the same for the same seed on every machine.
func noise(n int, seed uint64) []byte {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(b) // it never fails
	return b
}

// text returns n bytes of numbered lines: every block of it is different and
// all of them compress to about a third.
func text(n int, seed uint64) []byte {
	words := strings.Fields("cluster offset table entry refcount guest host " +
		"allocated sparse zero backing snapshot bitmap header magic version")
	r := rand.New(rand.NewPCG(seed, 0))
	b := make([]byte, 0, n+80)
	for line := 0; len(b) < n; line++ {
		b = append(strconv.AppendUint(b, seed, 10), '.')
		for unit := 100_000; unit > 0; unit /= 10 {
			b = append(b, '0'+byte(line/unit%10))
		}
		for range 3 + r.IntN(5) {
			b = append(b, ' ')
			b = append(b, words[r.IntN(len(words))]...)
		}
		b = append(b, '\n')
	}
	return b[:n]
}

// sparseStep is the length of a piece in a sparse raw file: long enough for
// every file system to leave a hole.
const sparseStep = 128 << 10

// writeSparse makes a raw disk of size bytes: in turn text, a hole, noise, and
// zeros that are written. Of a large disk it fills the first megabytes and
// the last bytes only.
func writeSparse(name string, size int64, seed uint64) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	if err := f.Truncate(size); err != nil {
		return err
	}
	const filled = 32 * sparseStep
	for i := int64(0); i*sparseStep < min(size, filled); i++ {
		off := i * sparseStep
		n := int(min(sparseStep, size-off))
		var piece []byte
		switch i % 4 {
		case 0:
			piece = text(n, seed+uint64(i))
		case 1:
			continue
		case 2:
			piece = noise(n, seed+uint64(i))
		case 3:
			piece = make([]byte, n)
		}
		if _, err := f.WriteAt(piece, off); err != nil {
			return err
		}
	}
	tail := text(int(min(size, 700)), seed+1000)
	_, err = f.WriteAt(tail, size-int64(len(tail)))
	return err
}
