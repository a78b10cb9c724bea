// Cstructgen turns the C definitions of a binary format into Go.
//
// Usage:
//
//	cstructgen [generate] --package NAME [flags] FILE.h ...
//	cstructgen layout [--json] [flags] FILE.h ...
//	cstructgen dump --type T [--offset N] [--count K] [flags] FILE.h ... DATA
//
// # Generate
//
// Generate, the default command, reads the named C files one after another as
// one translation unit and writes one Go file: a constant for each macro with
// a constant value, a type for each struct, union and enum, and methods that
// decode and encode them. The usual way to call it is a line for go generate:
//
//	//go:generate go run ./cmd/cstructgen --package qcow2 --endian big -o qcow2/defs_gen.go defs/qcow2.h
//
// What is emitted is what the named files themselves declare, and the types
// that this needs; of included files nothing else. The output imports the
// standard library only. The same input gives the same bytes.
//
//	--package NAME       name of the Go package; required
//	-o FILE              where the output goes; without it: standard output
//	--types A,B*         only declarations whose C names match, and what they need
//	--rename C=GO        another Go name for what C calls so; repeatable
//	--test               also write FILE's tests, to FILE with _test.go for .go
//	--check              write nothing; if FILE is stale, print how and exit with 1
//
// Go names follow one rule: l1_table_offset becomes L1TableOffset, and the names of
// constants stay as they are. Where two C names come to the same Go name, or to
// that of a generated method, both places are named and nothing is written;
// --rename is the way out: 'TYPE.MEMBER=Go' for members, 'NAME=Go' for macros,
// enumerators and types, or 'macro NAME=Go' and so on where several have the name.
//
// Nothing is written unless everything succeeded. A file is replaced by
// renaming a finished one over it. A file that lacks the line "Code generated
// ... DO NOT EDIT." is never overwritten.
//
// # Layout
//
// Layout prints what the C text means: every struct, union and enum with
// sizes, alignments, offsets and values, holes and padding marked, every
// constant, and what was seen but not translated. It shows what the named
// files declare and the types that this needs; with --json, everything that
// is in the translation unit, as one object:
//
//	{
//	  "structs": [{"name": "a", "kind": "struct", "size": 8, "align": 4, "fields": [
//	    {"name": "x", "type": "__be32", "offset": 0, "size": 4, "endian": "big"},
//	    {"name": "y", "type": "unsigned int", "offset": 4, "size": 4, "bit_offset": 32, "bit_size": 3}
//	  ]}],
//	  "enums": [{"name": "e", "size": 4, "values": {"A": "0"}}],
//	  "constants": {"N": {"kind": "int", "value": "16"}},
//	  "typedefs": [{"name": "t", "type": "struct a", "size": 8, "align": 4}],
//	  "skipped": [{"pos": "a.h:3:5", "name": "f", "reason": "function"}]
//	}
//
// Arrays have "dims" as well, and those without a length "flexible": true.
// The bit_offset of a bit-field counts from the start of the struct: from the
// least significant bit in little-endian order, from the most significant in
// big-endian order.
//
// # Dump
//
// Dump reads the file DATA (- is standard input) as a struct and prints a line
// for each field: offset in the file, bytes, field, value, name of the value,
// comment. It is the first thing to do with an unknown file:
//
//	$ cstructgen dump --type QCowHeader --endian big defs/qcow2.h disk.qcow2
//	QCowHeader: 112 bytes at offset 0 (0x0) of disk.qcow2, big-endian
//	00000000  51 46 49 fb              magic    1363560955 (0x514649fb)  QCOW2_MAGIC  // QCOW2_MAGIC
//	00000004  00 00 00 03              version  3                                     // 2 or 3
//	...
//
// A name beside a value is that of the enumerator, of the flags (as
// A|B|0x40), or of a constant with that value that the field's comment names,
// also as FLAG_*. Bit-fields of one or two bytes show their bits, with dots for
// those of others. Of a union every member is shown.
//
//	--type T             the type: a tag, "struct tag", or a typedef; required
//	--offset N           where in DATA it begins: 512, 0x200, 4K
//	--count K            how many of them lie there one after another
//	--all                every element of long arrays
//	--json               a list with an object for each; every element is in it
//	--color WHEN         auto (on a terminal, unless NO_COLOR is set), always, never
//
// Seconds since 1970 in a field named or described as a time are shown as one in
// UTC as well, 16-bit text as text, and 16 bytes called a UUID or GUID as those
// are written. Of a last member without a length, the first bytes are shown.
//
// If DATA ends early, what is there is printed, and the exit status is 1. DATA
// is opened read-only, and no more is read than is shown.
//
// # Flags of all
//
//	-I DIR               where #include looks, after the header's own directory
//	-D NAME[=VALUE]      define a macro
//	--dialect c          the language of the files; c is gcc's on x86-64 Linux
//	--endian ORDER       little (the default), big, or both: then every codec
//	                     exists in both orders, as DecodeLE and DecodeBE
//
// A scalar_storage_order pragma in a header, and types such as __be32, win
// over --endian. No file is read but those named and those that #include finds
// under the header's directory and the -I directories; a symbolic link in one of
// them may lead into another, as those of Debian's /usr/include/*/asm do into
// /usr/lib/linux/uapi/*.
//
// # Exit status
//
// 0: done. 1: an error in the input, or stale output under --check. 2: wrong
// usage.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"cstructgen/gen"
)

func main() {
	limitMemory()
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// softLimit is where the garbage collector begins to work harder instead of
// letting memory grow, in bytes. What is promised is 1 GiB resident.
const softLimit = 768 << 20

// limitMemory sets the soft limit, unless whoever started us has set one.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softLimit)
	}
}

// A usageError is about how the command was called.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// A hintError is an error about the input, and what to do about it.
type hintError struct {
	error
	hint string
}

func (e hintError) Unwrap() error { return e.error }

// errStale is returned when --check finds a difference. What it is has been
// printed.
var errStale = errors.New("output is stale; run go generate")

// run is the command, as a function.
func run(args []string, stdout, stderr io.Writer) int {
	cmd := newCommand()
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.Execute()
	if err == nil {
		return 0
	}
	if _, ok := errors.AsType[usageError](err); ok {
		fmt.Fprintf(stderr, "cstructgen: %v\nRun 'cstructgen --help' for usage.\n", err)
		return 2
	}
	if _, ok := errors.AsType[gen.ErrorList](err); ok {
		fmt.Fprint(stderr, gen.FormatError(err))
		if e, ok := errors.AsType[hintError](err); ok {
			fmt.Fprintf(stderr, "cstructgen: %s\n", e.hint)
		}
		return 1
	}
	fmt.Fprintf(stderr, "cstructgen: %v\n", err)
	return 1
}

// newCommand builds the command tree. The root is generate, so that a call
// without a command generates.
func newCommand() *cobra.Command {
	root := generateCommand("cstructgen")
	root.Short = "Turn the C definitions of a binary format into Go"
	root.SilenceUsage = true
	root.SilenceErrors = true
	root.AddCommand(generateCommand("generate"), layoutCommand(), dumpCommand())
	return root
}

// atLeast checks that there are so many arguments; what says which.
func atLeast(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < n {
			return usagef("want %s", what)
		}
		return nil
	}
}

func flagUsage(_ *cobra.Command, err error) error { return usageError{err} }
