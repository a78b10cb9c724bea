package cstruct

import (
	"go/constant"
	"io/fs"
)

// A Config says what Parse reads and how.
type Config struct {
	// Files are read one after another as one translation unit.
	Files []Source
	// Include holds the directories of -I, searched in order by #include.
	Include []Dir
	// Defines are NAME or NAME=VALUE, as -D takes them.
	Defines []string
	// Order is the storage order of structs whose header does not say one.
	// The zero value is LittleEndian.
	Order ByteOrder
	// Dialect is the language of the files.
	Dialect Dialect
	// Aligned asks for members at multiples of their alignment, in dialect
	// dissect; in dialect c the text says where they lie.
	Aligned bool
	// PointerSize is that of dialect dissect in bytes: 1, 2, 4 or 8. 0: 8.
	PointerSize int64
}

// A Source is the text of one file.
type Source struct {
	Name string // as positions and errors print it
	Text []byte
	Dir  Dir    // where its #include "x" looks first; a nil FS: nowhere
	Path string // of the file itself inside Dir.FS, slash separated
}

// A Dir is a directory that #include may read from. Nothing outside of it is
// ever opened.
type Dir struct {
	Name string // as positions print it
	FS   fs.FS
}

// A Model is what the C text declares, resolved: every size, offset and value
// is known. Everything is in order of declaration.
type Model struct {
	Order     ByteOrder // as configured
	Structs   []*Struct // structs and unions, complete ones only
	Enums     []*Enum
	Constants []*Constant // object-like macros with a constant value
	Typedefs  []*Typedef
	Skipped   []Skip  // seen, and no type or constant
	Warnings  []error // *Error each
}

// ByteOrder is how the bytes of a number lie.
type ByteOrder uint8

const (
	LittleEndian ByteOrder = iota
	BigEndian
)

// A Pos is a place in a source text. Line and Col count from 1; Col counts
// bytes.
type Pos struct {
	File      string
	Line, Col int
}

// A Type is one of *Basic, *Pointer, *Array, *Struct, *Enum, *Typedef.
type Type interface {
	Size() int64  // in bytes
	Align() int64 // in bytes
	String() string
}

// A Kind says what a Basic type holds.
type Kind uint8

const (
	Void Kind = iota
	Bool
	Char // plain char; signed
	Int
	Float
	Complex
	WideChar // of dialect dissect: a unit of UTF-16
	LEB128   // of dialect dissect: an integer of 1 to 10 bytes
)

// A Basic type is an arithmetic type, or void.
type Basic struct {
	Kind   Kind
	Name   string // canonical C spelling: "unsigned long", "__int128"
	Bytes  int64
	Aligns int64
	Signed bool
}

// A Pointer is data of pointer size; what it points to is never followed.
type Pointer struct {
	Elem  Type  // nil for a function
	Bytes int64 // 0: 8
}

// An Array has Len elements, or none where Flexible. Where Length is not nil,
// it says how many there are.
type Array struct {
	Elem     Type
	Len      int64
	Flexible bool    // x[]: the rest of the input, in dialect c
	Length   *Length // in dialect dissect
	// natural: the alignment is that of Elem without typedefs.
	natural bool
	vector  bool // of gcc's: it is aligned to its size
}

// A Typedef is a type by another name. It may add alignment.
type Typedef struct {
	Name   string
	Type   Type
	Aligns int64 // 0: that of Type
	// Fixed says that values have the byte order Order wherever they stand,
	// as __be32 and __le32 have.
	Fixed bool
	Order ByteOrder
	Decl
	depth     int // of the types in it
	qualified bool
}

// A Struct is a struct or a union.
type Struct struct {
	Name   string // tag, or typedef name, or outer.<anonymous at line:col>
	Tag    string // "" without one
	Union  bool
	Bytes  int64
	Aligns int64
	Order  ByteOrder // of its own scalars
	Fields []*Field
	// Dynamic says that the size differs from value to value. Bytes is then
	// what lies before the first part that does, and Parts are all.
	Dynamic bool
	Parts   []*Part
	// Anonymous says that neither tag nor typedef names the type.
	Anonymous bool
	Decl
	complete bool
	broken   bool  // an error in it was reported
	depth    int   // of the types in it
	leaves   int   // members, those of anonymous ones counted one by one
	least    int64 // what MinSize found
	counted  bool  // it did
	names    map[string]place
}

// A Field is a member of a struct or union.
type Field struct {
	Name   string // "" for an anonymous member and an unnamed bit-field
	Type   Type
	Offset int64     // in bytes; of a bit-field: of the byte it begins in
	Order  ByteOrder // in which its scalars lie
	// BitField says that BitOffset and Bits hold. BitOffset counts from the
	// start of the struct: in little-endian order from the least significant
	// bit of byte 0, in big-endian order from the most significant.
	BitField  bool
	BitOffset int64
	Bits      int64
	Unsigned  bool // a bit-field without a sign, whatever its type
	// Unit is the size in bytes of the integer that a bit-field is part of,
	// in dialect dissect.
	Unit int64
	// Behind says that the field lies behind one of dynamic size: Offset and
	// BitOffset count from the start of its Part.
	Behind bool
	Pos    Pos
	Doc    string
	Above  string // as in Decl
	align  int64  // in bytes, of what is no bit-field
}

// An Enum is an enumerated type.
type Enum struct {
	Name   string
	Tag    string
	Under  *Basic // what stores it
	Values []*EnumValue
	// Flags says that the values are bits that combine.
	Flags     bool
	Anonymous bool
	Decl
	incomplete bool // without a body so far; Under is then a guess
	// computed has all values as dialect dissect computes them: without the
	// limits of Under, and those too that do not fit it.
	computed map[string]constant.Value
}

// An EnumValue is one enumerator.
type EnumValue struct {
	Name  string
	Value constant.Value // of kind constant.Int
	Pos   Pos
	Doc   string
	Above string // as in Decl
}

// A Constant is an object-like macro with a constant value.
type Constant struct {
	Name  string
	Value constant.Value // of kind Int, Float or String: bytes, or where Type is wider UTF-8
	// NegativeZero says that Value, a Float, is 0 with a minus sign, which a
	// constant.Value cannot hold.
	NegativeZero bool
	Type         *Basic // of the expression; of a String: of its characters
	Text         string // the replacement as written
	Decl
}

// Decl is what all declarations share.
type Decl struct {
	Pos Pos
	// Doc is the comment above it and that beside it, without comment marks.
	// Above is the former, which is often about what follows as well.
	Doc, Above string
	// Main says that one of Config.Files itself declares it, not a file
	// that those include.
	Main bool
}

// A Skip is something that was seen and not translated.
type Skip struct {
	Pos    Pos
	Name   string
	Reason string
	Main   bool // as in Decl
}
