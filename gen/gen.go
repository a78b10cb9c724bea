// Package gen turns C definitions of a binary format into Go source: types,
// constants, and codecs without reflection, cgo or a runtime package.
//
// It is not a C compiler and binds no C library: it describes bytes. What C
// means is cstruct's knowledge; gen knows what it looks like in Go.
//
//	Config -> cstruct.Parse -> model | lower: names, types, members, units
//	       -> one emitter a kind of declaration -> gofmt -> verify -> File
//
//	name.go      C names to Go names; two for one is an error
//	scalar.go    the table of numbers
//	types.go     C type -> Go type
//	lower.go     model -> declarations to emit; record.go, enum.go, constant.go
//	both.go      two models, one for each byte order -> one program
//	codec.go     statements that decode and encode; bitfield.go
//	part.go      structs of dynamic size; count.go, decoder.go, encoder.go, failure.go
//	text.go      the file; struct.go, union.go, layout.go, comment.go
//	selftest.go  the tests that go beside it
//	verify.go    the finished text may hold what gen emits and nothing else;
//	             standard.go lists what of the standard library that is
//
// The text of a header is untrusted. Names pass one check, strings are
// quoted, numbers are reprinted from their values, comments are split at every
// line end; and what comes out is parsed, type-checked and searched for
// anything that generated code never has.
package gen

import (
	"go/token"

	"cstructgen/internal/cstruct"
)

// A Source is the text of one C file.
type Source = cstruct.Source

// A Dir is a directory that #include may read from.
type Dir = cstruct.Dir

// A Pos is a place in a C text.
type Pos = cstruct.Pos

// An Error says that C text is malformed. Generate returns such errors in an
// ErrorList; errors.As finds them.
type Error = cstruct.Error

// An UnsupportedError says that C text is valid and not translated.
type UnsupportedError = cstruct.UnsupportedError

// An ErrorList is the errors of a run in order of their positions.
type ErrorList = cstruct.ErrorList

// ErrLimit is wrapped by errors about C text that goes beyond a limit.
var ErrLimit = cstruct.ErrLimit

// FormatError renders an error of Generate for a terminal: position, message,
// the line with a caret, and the include stack.
func FormatError(err error) string { return cstruct.Format(err) }

// Order is the byte order that generated code reads and writes, where the
// header does not say one.
type Order uint8

const (
	Little Order = iota
	Big
	// Both gives every codec twice, DecodeLE and DecodeBE and so on, for
	// formats that say their order at run time.
	Both
)

// A Dialect is the language of the files.
type Dialect = cstruct.Dialect

const (
	C       = cstruct.DialectC       // as gcc has it
	Dissect = cstruct.DialectDissect // of dissect.cstruct
)

// A Config says what Generate reads and writes.
type Config struct {
	Files   []Source // read one after another as one translation unit
	Include []Dir    // searched in order by #include
	Defines []string // NAME or NAME=VALUE
	Order   Order
	Dialect Dialect
	// Aligned and PointerSize are of dialect dissect: whether members are
	// aligned, and how many bytes a pointer has; 0: 8.
	Aligned     bool
	PointerSize int64
	Package     string // name of the Go package
	// Types limits the output to declarations whose C name matches one of
	// these patterns (of path.Match), and the types that those need. Empty:
	// everything that Files declare themselves.
	Types []string
	// Rename gives Go names by C names, where the rule's are not wanted:
	// "type.member" for members; a tag, typedef, macro or enumerator by its
	// name alone, or, where several have it, with "struct", "union", "enum",
	// "typedef", "macro" or "enumerator" before it.
	Rename map[string]string
	// Name is the file name of the output; "": "defs_gen.go".
	Name string
	// Test asks for a second file, with tests of the first.
	Test bool
}

// A File is Go source to be written.
type File struct {
	Name string
	Text []byte
}

// Generate translates C definitions to Go. The same Config always gives the
// same bytes. Errors in the C text come as an ErrorList, those of the Config itself as a
// *ConfigError; with an error there are no files.
func Generate(cfg Config) ([]File, error) {
	if !token.IsIdentifier(cfg.Package) || cfg.Package == "_" {
		return nil, configError("%q is no package name", cfg.Package)
	}
	if cfg.Name == "" {
		cfg.Name = "defs_gen.go"
	}
	p, err := lowered(cfg)
	if err != nil {
		return nil, err
	}
	text, err := p.text()
	if err != nil {
		return nil, err
	}
	tests := ""
	if cfg.Test {
		if tests, err = p.test(); err != nil {
			return nil, err
		}
		if len(text)+len(tests) > maxOutput {
			return nil, p.reported(limited(p.decls[0].pos, "more than %d bytes of Go with its tests", maxOutput))
		}
	}
	// From here on the model is of no more use, and its memory is.
	code, err := finish(text, nil)
	if err != nil {
		return nil, err
	}
	files := []File{{cfg.Name, code}}
	if cfg.Test {
		checked, err := finish(tests, code)
		if err != nil {
			return nil, err
		}
		files = append(files, File{testName(cfg.Name), checked})
	}
	return files, nil
}
