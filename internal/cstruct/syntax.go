package cstruct

// The syntax tree: what the parser hands to the resolver. Nothing in it is
// resolved; names are tokens and sizes are expressions.

// An expr is an expression (C 6.5).
type expr interface{ at() pos }

type (
	numberExpr struct{ tok token }
	charExpr   struct{ tok token }
	stringExpr struct{ toks []token } // adjacent ones join
	nameExpr   struct{ tok token }
	unaryExpr  struct {
		op string
		p  pos
		x  expr
	}
	binaryExpr struct {
		op   string
		p    pos // of the operator
		x, y expr
	}
	condExpr struct {
		p       pos // of the "?"
		c, x, y expr
		// x is nil for GNU's c ?: y
	}
	castExpr struct {
		p pos
		t *typeName
		x expr
	}
	// A sizeExpr is sizeof or _Alignof, of a type or an expression.
	sizeExpr struct {
		p     pos
		align bool
		t     *typeName
		x     expr
	}
	offsetExpr struct {
		p pos
		t *typeName
		x expr // memberExpr and indexExpr over a placeExpr
	}
	placeExpr struct{ p pos } // the object of an offsetof
	indexExpr struct {
		p    pos
		x, i expr
	}
	memberExpr struct {
		p     pos
		x     expr
		name  token
		arrow bool
	}
	callExpr struct {
		p    pos
		f    expr
		args []expr
	}
	// A compatExpr is __builtin_types_compatible_p.
	compatExpr struct {
		p    pos
		t, u *typeName
	}
	// A genericExpr is a _Generic selection.
	genericExpr struct {
		p     pos
		x     expr
		cases []genericCase
	}
	// An opaqueExpr is valid and never constant: a statement expression, a
	// compound literal, an assignment.
	opaqueExpr struct {
		p    pos
		what string
		t    *typeName // its type, where that is written
		init []token   // of a compound literal
		x    expr      // that it has the type of
	}
)

func (x *numberExpr) at() pos  { return x.tok.pos }
func (x *charExpr) at() pos    { return x.tok.pos }
func (x *stringExpr) at() pos  { return x.toks[0].pos }
func (x *nameExpr) at() pos    { return x.tok.pos }
func (x *unaryExpr) at() pos   { return x.p }
func (x *binaryExpr) at() pos  { return x.p }
func (x *condExpr) at() pos    { return x.p }
func (x *castExpr) at() pos    { return x.p }
func (x *sizeExpr) at() pos    { return x.p }
func (x *offsetExpr) at() pos  { return x.p }
func (x *placeExpr) at() pos   { return x.p }
func (x *indexExpr) at() pos   { return x.p }
func (x *memberExpr) at() pos  { return x.p }
func (x *callExpr) at() pos    { return x.p }
func (x *compatExpr) at() pos  { return x.p }
func (x *opaqueExpr) at() pos  { return x.p }
func (x *genericExpr) at() pos { return x.p }

type genericCase struct {
	t *typeName // nil: default
	x expr
}

// An attribute is one of __attribute__((...)), [[...]], _Alignas or
// __declspec that has a meaning here. Its name has no underscores around it.
type attribute struct {
	name string
	pos  pos
	args []expr
	word string // an argument that is an identifier or a string
	// raises is set of _Alignas, which is an error where it asks for less than
	// the type has.
	raises bool
}

// specifiers are what declarators have in common (C 6.7).
type specifiers struct {
	pos     pos
	storage string   // typedef, extern, static, ... or ""
	words   []string // of an arithmetic type: "unsigned", "long", ...
	atomic  bool
	// qualified: const, volatile or _Atomic is among them.
	qualified bool
	named     token // a typedef name; tEOF: none
	record    *recordSpec
	enum      *enumSpec
	typeof    *typeName // also _Atomic(type)
	typeofX   expr
	unknown   string // a type that has no layout here
	attrs     []attribute
}

// A recordSpec is struct or union.
type recordSpec struct {
	pos     pos
	union   bool
	tag     token // tEOF: none
	body    bool
	open    token // {
	after   token // follows {
	members []*memberDecl
	attrs   []attribute
	pack    int64      // of #pragma pack at the }; 0: none
	order   *ByteOrder // of #pragma scalar_storage_order at the }
}

// A memberDecl declares members, or asserts something between them.
type memberDecl struct {
	specs  *specifiers
	items  []memberItem
	assert *assertDecl
	first  token
	last   token // the ";"
	next   token // follows it
}

type memberItem struct {
	decl  *declarator
	width expr // nil: no bit-field
	colon pos
	attrs []attribute
	last  token // of the item, or the "," after it
	next  token
}

// An enumSpec is an enum.
type enumSpec struct {
	pos   pos
	tag   token
	body  bool
	open  token
	after token
	under *typeName // C23; nil: none
	flags bool      // of dialect dissect: the values are bits
	items []enumItem
	attrs []attribute
}

type enumItem struct {
	name  token
	value expr // nil: the one before plus 1
	last  token
	comma token // tEOF: none
	next  token
}

// A declarator is a name and what it makes of a type (C 6.7.6). The parts
// read from the name outward: "*x[3]" is array, pointer.
type declarator struct {
	pos   pos
	name  token // tEOF: abstract
	parts []part
	attrs []attribute
	init  []token // of data, what follows the "="
}

func (d *declarator) function() bool { return len(d.parts) > 0 && d.parts[0].kind == partFunction }

type partKind uint8

const (
	partPointer partKind = iota
	partArray
	partFunction
	partAttributes
)

type part struct {
	kind  partKind
	pos   pos
	size  expr // of an array; nil: []
	attrs []attribute
}

// A typeName is a type in a cast, sizeof and their like.
type typeName struct {
	specs *specifiers
	decl  *declarator
}

// A decl is an external declaration (C 6.9).
type decl interface{ declaration() }

type (
	// A nameDecl declares names: typedefs, functions, data.
	nameDecl struct {
		specs *specifiers
		items []*declarator
		body  bool // of a function
		first token
		last  token
		next  token
	}
	assertDecl struct {
		p    pos
		cond expr
		msg  *stringExpr
	}
	// A flagsDecl is #pragma cstructgen flags NAME.
	flagsDecl struct{ name token }
	// A skipDecl is something else that is valid and has no meaning here.
	skipDecl struct {
		p      pos
		reason string
	}
)

func (*nameDecl) declaration()   {}
func (*assertDecl) declaration() {}
func (*flagsDecl) declaration()  {}
func (*skipDecl) declaration()   {}
