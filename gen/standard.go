package gen

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"sync"
)

// standard is all that generated code may use of the standard library, as
// declarations that stand in for the real packages when output is
// type-checked: so the check needs no Go installation, and a call that is not
// listed here does not pass.
var standard = map[string]string{
	"bytes": `package bytes
func IndexByte(b []byte, c byte) (i int) { return }
func TrimLeft(s []byte, cutset string) (rest []byte) { return }
func Cut(s, sep []byte) (before, after []byte, found bool) { return }`,
	"encoding/binary": `package binary
var LittleEndian, BigEndian order
type order struct{}
func (order) Uint16(b []byte) (v uint16) { return }
func (order) Uint32(b []byte) (v uint32) { return }
func (order) Uint64(b []byte) (v uint64) { return }
func (order) PutUint16(b []byte, v uint16) {}
func (order) PutUint32(b []byte, v uint32) {}
func (order) PutUint64(b []byte, v uint64) {}
func Uvarint(buf []byte) (v uint64, n int) { return }
func AppendUvarint(buf []byte, x uint64) (b []byte) { return }`,
	"errors": `package errors
func New(text string) (err error) { return }
func Is(err, target error) (is bool) { return }
func As(err error, target any) (is bool) { return }`,
	"fmt": `package fmt
func Errorf(format string, a ...any) (err error) { return }
func Sprint(a ...any) (s string) { return }
func Sprintf(format string, a ...any) (s string) { return }`,
	"io": `package io
var ErrUnexpectedEOF error`,
	"math": `package math
func Float32bits(f float32) (b uint32) { return }
func Float32frombits(b uint32) (f float32) { return }
func Float64bits(f float64) (b uint64) { return }
func Float64frombits(b uint64) (f float64) { return }`,
	"slices": `package slices
func Index(s []uint16, v uint16) (i int) { return }`,
	"unicode/utf16": `package utf16
func Decode(s []uint16) (r []rune) { return }`,
	"strconv": `package strconv
func FormatInt(i int64, base int) (s string) { return }
func FormatUint(i uint64, base int) (s string) { return }
func ParseUint(s string, base int, bitSize int) (n uint64, err error) { return }`,
	"strings": `package strings
func Join(elems []string, sep string) (s string) { return }
func Repeat(s string, n int) (r string) { return }
func SplitSeq(s, sep string) (seq func(yield func(string) bool)) { return }`,
}

// testStandard is what generated tests may use beyond that.
var testStandard = map[string]string{
	"math/rand/v2": `package rand
func Uint64() (n uint64) { return }
func NewPCG(seed1, seed2 uint64) (s *PCG) { return }
func New(src *PCG) (r *Rand) { return }
type PCG struct{}
type Rand struct{}
func (*Rand) Uint32() (n uint32) { return }`,
	"testing": `package testing
type T struct{}
func (*T) Errorf(format string, args ...any) {}
func (*T) Fatalf(format string, args ...any) {}
func (*T) Logf(format string, args ...any) {}
type F struct{}
func (*F) Add(args ...any) {}
func (*F) Fuzz(ff any) {}`,
}

// stubs are the packages of standard and testStandard, type-checked once.
var stubs = sync.OnceValue(func() map[string]*types.Package {
	pkgs := make(map[string]*types.Package)
	for _, sources := range []map[string]string{standard, testStandard} {
		for p, src := range sources {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, p, src, parser.SkipObjectResolution)
			if err != nil {
				panic(err)
			}
			pkg, err := new(types.Config).Check(p, fset, []*ast.File{f}, nil)
			if err != nil {
				panic(err)
			}
			pkgs[p] = pkg
		}
	}
	return pkgs
})

// A stubImporter imports stubs and nothing else.
type stubImporter struct{}

func (stubImporter) Import(p string) (*types.Package, error) {
	if pkg, ok := stubs()[p]; ok {
		return pkg, nil
	}
	return nil, fmt.Errorf("import of %q", p)
}
