package tests

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lunixbochs/struc"

	"cstructgen/internal/testseed"
	"cstructgen/qcow2"
)

// A codec is what every generated struct of fixed size has.
type codec interface {
	encoding.BinaryUnmarshaler
	encoding.BinaryMarshaler
	encoding.BinaryAppender
	DecodePrefix([]byte) int
}

// qcow2Structs has one value of each generated struct of package qcow2.
var qcow2Structs = []codec{
	new(qcow2.QCowHeader),
	new(qcow2.QCowExtension),
	new(qcow2.Qcow2Feature),
	new(qcow2.Qcow2CryptoHeaderExtension),
	new(qcow2.Qcow2BitmapHeaderExt),
	new(qcow2.QCow2L1Entry),
	new(qcow2.QCow2L2Entry),
	new(qcow2.QCow2L2EntryExtended),
	new(qcow2.QCow2RefcountTableEntry),
	new(qcow2.QCowSnapshotHeader),
	new(qcow2.QCowSnapshotExtraData),
	new(qcow2.Qcow2BitmapDirEntry),
	new(qcow2.Qcow2BitmapTableEntry),
}

func typeName(c codec) string { return reflect.TypeOf(c).Elem().Name() }

// blank returns a new zero value of c's type.
func blank(c codec) codec { return reflect.New(reflect.TypeOf(c).Elem()).Interface().(codec) }

// encode returns the bytes of c.
func encode(t *testing.T, c codec) []byte {
	t.Helper()
	b, err := c.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The list above leaves out no generated struct.
func TestQcow2StructsAreListed(t *testing.T) {
	var declared, listed []string
	var decls []ast.Decl
	for _, name := range []string{"../qcow2/defs_gen.go", "../qcow2/tables_gen.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		decls = append(decls, file.Decls...)
	}
	for _, d := range decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range g.Specs {
			if ts, ok := s.(*ast.TypeSpec); ok {
				// Those of dynamic size have no tags.
				if st, ok := ts.Type.(*ast.StructType); ok && st.Fields.List[0].Tag != nil {
					declared = append(declared, ts.Name.Name)
				}
			}
		}
	}
	for _, c := range qcow2Structs {
		listed = append(listed, typeName(c))
	}
	slices.Sort(declared)
	slices.Sort(listed)
	if !slices.Equal(declared, listed) {
		t.Errorf("declared: %v\nlisted: %v", declared, listed)
	}
}

// Struc, which knows nothing of the generator, reads and writes the same bytes
// by the tags on the generated types.
func TestStrucAgrees(t *testing.T) {
	t.Parallel()
	random := testseed.Rand(t)
	for _, c := range qcow2Structs {
		t.Run(typeName(c), func(t *testing.T) {
			size, err := struc.Sizeof(c)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(encode(t, c)); n != size {
				t.Fatalf("%d bytes, for struc %d", n, size)
			}
			for range 200 {
				b := randomBytes(random, size)
				ours, theirs := blank(c), blank(c)
				if err := ours.UnmarshalBinary(b); err != nil {
					t.Fatal(err)
				}
				if err := struc.Unpack(bytes.NewReader(b), theirs); err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(ours, theirs) {
					t.Fatalf("%x decodes to\n%+v, for struc\n%+v", b, ours, theirs)
				}
				var packed bytes.Buffer
				if err := struc.Pack(&packed, ours); err != nil {
					t.Fatal(err)
				}
				if e := encode(t, ours); !bytes.Equal(e, packed.Bytes()) {
					t.Fatalf("%+v encodes to\n%x, for struc\n%x", ours, e, packed.Bytes())
				}
			}
		})
	}
}

// So does encoding/binary, which can since no field of these is padded.
func TestEncodingBinaryAgrees(t *testing.T) {
	random := testseed.Rand(t)
	for _, c := range qcow2Structs {
		b := randomBytes(random, binary.Size(c))
		ours, theirs := blank(c), blank(c)
		if err := ours.UnmarshalBinary(b); err != nil {
			t.Fatalf("%s: %v", typeName(c), err)
		}
		if _, err := binary.Decode(b, binary.BigEndian, theirs); err != nil {
			t.Fatalf("%s: %v", typeName(c), err)
		}
		if !reflect.DeepEqual(ours, theirs) {
			t.Errorf("%x decodes to\n%+v, for encoding/binary\n%+v", b, ours, theirs)
		}
		if e := encode(t, ours); !bytes.Equal(e, b) {
			t.Errorf("%s: %x decodes and encodes to %x", typeName(c), b, e)
		}
	}
}

func TestShortInput(t *testing.T) {
	for _, c := range qcow2Structs {
		whole := encode(t, c)
		for n := range len(whole) {
			err := blank(c).UnmarshalBinary(whole[:n])
			if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), typeName(c)) {
				t.Errorf("%s of %d bytes: %v", typeName(c), n, err)
			}
		}
		if err := c.UnmarshalBinary(append(whole, 1)); err != nil {
			t.Errorf("%s with a byte behind: %v", typeName(c), err)
		}
	}
}

func TestAppendBinaryKeepsWhatIsThere(t *testing.T) {
	for _, c := range qcow2Structs {
		b, err := c.AppendBinary([]byte("before"))
		if err != nil || string(b) != "before"+string(encode(t, c)) {
			t.Errorf("%s: %q, %v", typeName(c), b, err)
		}
	}
}

// A prefix of any length gives the fields that are whole in it, and zeros.
func TestDecodePrefix(t *testing.T) {
	random := testseed.Rand(t)
	for _, c := range qcow2Structs {
		b := randomBytes(random, len(encode(t, c)))
		ends := fieldEnds(c)
		for n := range len(b) + 2 {
			got, want := blank(c), blank(c)
			if err := got.UnmarshalBinary(b); err != nil { // not zero before
				t.Fatal(err)
			}
			whole := got.DecodePrefix(append(b, 1)[:n])
			wantWhole := 0
			for _, end := range ends {
				if end <= n {
					wantWhole = end
				}
			}
			if whole != wantWhole {
				t.Errorf("%s of %d bytes: %d are whole fields, want %d", typeName(c), n, whole, wantWhole)
				continue
			}
			padded := make([]byte, len(b))
			copy(padded, b[:whole])
			if err := want.UnmarshalBinary(padded); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s of %d bytes: %+v, want %+v", typeName(c), n, got, want)
			}
		}
	}
}

// fieldEnds returns where the fields of a struct end in its encoding.
func fieldEnds(c codec) []int {
	var ends []int
	at := 0
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		at += binary.Size(v.Field(i).Interface())
		ends = append(ends, at)
	}
	return ends
}

func randomBytes(random *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}
