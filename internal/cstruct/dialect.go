package cstruct

// A Dialect is a language of definitions.
type Dialect uint8

const (
	// DialectC is C as gcc has it on x86-64 Linux.
	DialectC Dialect = iota
	// DialectDissect is the language of dissect.cstruct: C's declarations
	// with other types, packed, with arrays whose length other fields say.
	//
	//	dissect.go       what its grammar has and C's has not
	//	dissecttypes.go  its types
	//	definition.go    #define is a value, computed where it stands
	//	formula.go       its expressions: constants, and lengths of arrays
	//	scoped.go        enum and flag, whose values are names of the type
	//	parts.go         layout
	DialectDissect
)
