package gen

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/scanner"
)

// This file lays C records out a second time, from the text itself and the
// words of the System V ABI for AMD64 ("Aggregates and Unions", "Bit-Fields")
// and of gcc's manual about packed, aligned and #pragma pack. It shares nothing
// with what generates code, so that two mistakes would have to be the same. It
// understands a part of C; of what it does not, it says nothing.

// An abiType is a type of which no more than this matters.
type abiType struct {
	bytes, align int64
	scalar       bool // may be a bit-field, of so many bytes
	record       *abiRecord
}

// An abiRecord is a struct or union.
type abiRecord struct {
	tag     string
	union   bool
	abiType // its size and alignment
	members []abiMember
}

// An abiMember is a named member. Those of anonymous structs are their
// parent's.
type abiMember struct {
	name string
	at   int64 // in bits
	bits int64 // of a bit-field; else 0
	typ  abiType
	dims bool // an array
}

// errNotUnderstood says that a declaration is beyond the reader.
var errNotUnderstood = errors.New("not understood")

// An abiReader reads C declarations.
type abiReader struct {
	tokens  []scannedToken
	pack    int64 // by #pragma pack, in bytes; 0: none
	stack   []int64
	strange map[string]bool // words that mean something unknown
	types   map[string]abiType
	records []*abiRecord // those with a name, in order
}

type scannedToken struct {
	kind  rune
	text  string
	first bool // in its line
}

// beyond matches what changes the meaning of text elsewhere.
var beyond = regexp.MustCompile(`[\\%\r]|\?\?|<:|:>|_Pragma|_Atomic|_Align`)

var keywordTypes = map[string]abiType{
	"char": scalarOf(1), "signed char": scalarOf(1), "unsigned char": scalarOf(1), "_Bool": scalarOf(1),
	"short": scalarOf(2), "unsigned short": scalarOf(2), "signed": scalarOf(4), "int": scalarOf(4), "unsigned": scalarOf(4), "unsigned int": scalarOf(4),
	"long": scalarOf(8), "unsigned long": scalarOf(8), "long long": scalarOf(8), "unsigned long long": scalarOf(8),
	"float": {bytes: 4, align: 4}, "double": {bytes: 8, align: 8}, "long double": {bytes: 16, align: 16},
}

// keywords are the other words of C that the reader knows.
var keywords = []string{"struct", "union", "enum", "typedef", "__attribute__", "packed", "aligned"}

func isKeyword(word string) bool {
	_, ok := keywordTypes[word]
	return ok || slices.Contains(keywords, word)
}

// knownTypes need no declaration.
var knownTypes = map[string]abiType{
	"uint8_t": scalarOf(1), "uint16_t": scalarOf(2), "uint32_t": scalarOf(4), "uint64_t": scalarOf(8),
	"__u8": scalarOf(1), "__u16": scalarOf(2), "__u32": scalarOf(4), "__u64": scalarOf(8),
}

func scalarOf(n int64) abiType { return abiType{bytes: n, align: n, scalar: true} }

// readABI returns the records with names that it understands.
func readABI(text string) []*abiRecord {
	if beyond.MatchString(text) {
		return nil
	}
	r := &abiReader{strange: make(map[string]bool), types: maps.Clone(knownTypes)}
	var s scanner.Scanner
	s.Init(strings.NewReader(text))
	s.Mode = scanner.ScanIdents | scanner.ScanInts | scanner.ScanStrings | scanner.ScanComments | scanner.SkipComments
	bad := false
	s.Error = func(*scanner.Scanner, string) { bad = true }
	line := 0
	for tok := s.Scan(); tok != scanner.EOF; tok = s.Scan() {
		r.tokens = append(r.tokens, scannedToken{tok, s.TokenText(), s.Position.Line > line})
		line = s.Position.Line
	}
	for !bad && len(r.tokens) > 0 {
		if r.is("#") {
			bad = r.directive() != nil
			continue
		}
		n := len(r.records)
		before := r.tokens
		if r.declaration() != nil {
			r.records, r.tokens = r.records[:n], before
			bad = r.skip() != nil
		}
	}
	if bad {
		return nil // something may have changed the meaning of anything
	}
	return slices.DeleteFunc(r.records, func(rec *abiRecord) bool { return rec.tag == "" || r.strange[rec.tag] })
}

func (r *abiReader) is(text string) bool {
	return len(r.tokens) > 0 && r.tokens[0].text == text && !r.strange[text]
}

// accept takes the next token if it is that.
func (r *abiReader) accept(text string) bool {
	if !r.is(text) {
		return false
	}
	r.tokens = r.tokens[1:]
	return true
}

// acceptTwo takes the next two tokens if they are that.
func (r *abiReader) acceptTwo(text string) bool {
	for range 2 {
		if !r.accept(text) {
			return false
		}
	}
	return true
}

// name takes a name, "" where there is none or its meaning is not known.
func (r *abiReader) name() string {
	if len(r.tokens) == 0 || r.tokens[0].kind != scanner.Ident || r.strange[r.tokens[0].text] {
		return ""
	}
	name := r.tokens[0].text
	if isKeyword(name) {
		return ""
	}
	r.tokens = r.tokens[1:]
	return name
}

// number takes a number up to most.
func (r *abiReader) number(most int64) (int64, error) {
	if len(r.tokens) == 0 || r.tokens[0].kind != scanner.Int {
		return 0, errNotUnderstood
	}
	n, err := strconv.ParseInt(r.tokens[0].text, 0, 64)
	r.tokens = r.tokens[1:]
	if err != nil || n > most {
		return 0, errNotUnderstood
	}
	return n, nil
}

// directive carries out #pragma pack, and remembers the names of macros.
func (r *abiReader) directive() error {
	if !r.tokens[0].first {
		return errNotUnderstood
	}
	n := 1
	for n < len(r.tokens) && !r.tokens[n].first {
		n++
	}
	var words []string
	for _, tok := range r.tokens[1:n] {
		words = append(words, tok.text)
	}
	r.tokens = r.tokens[n:]
	if len(words) < 2 {
		return errNotUnderstood
	}
	if words[0] == "define" {
		r.strange[words[1]] = true
		return nil
	}
	switch directive := strings.Join(words, " "); {
	case strings.HasPrefix(directive, "pragma scalar_storage_order "), strings.HasPrefix(directive, "pragma cstructgen flags "):
	case directive == "pragma pack ( )":
		r.pack = 0
	case directive == "pragma pack ( pop )" && len(r.stack) > 0:
		r.pack, r.stack = r.stack[len(r.stack)-1], r.stack[:len(r.stack)-1]
	case directive == "pragma pack ( push )":
		r.stack = append(r.stack, r.pack)
	default:
		number, ok := strings.CutPrefix(strings.TrimSuffix(directive, " )"), "pragma pack ( ")
		number, push := strings.CutPrefix(number, "push , ")
		pack, err := strconv.ParseInt(number, 10, 64)
		if !ok || err != nil || !slices.Contains([]int64{1, 2, 4, 8, 16}, pack) {
			return errNotUnderstood
		}
		if push {
			r.stack = append(r.stack, r.pack)
		}
		r.pack = pack
	}
	return nil
}

// skip passes a declaration over. What its words mean is not known from there.
func (r *abiReader) skip() error {
	depth := 0
	for len(r.tokens) > 0 {
		tok := r.tokens[0]
		r.tokens = r.tokens[1:]
		switch tok.text {
		case "#":
			return errNotUnderstood
		case "{", "(":
			depth++
		case "}", ")":
			if depth--; depth < 0 {
				return errNotUnderstood
			}
		case ";":
			if depth == 0 {
				return nil
			}
		}
		if tok.kind == scanner.Ident && !isKeyword(tok.text) {
			r.strange[tok.text] = true
		}
	}
	return errNotUnderstood
}

// declaration reads: [typedef] type [name] ;
func (r *abiReader) declaration() error {
	if r.accept(";") {
		return nil
	}
	naming := r.accept("typedef")
	typ, err := r.specifier()
	if err != nil {
		return err
	}
	if naming {
		name := r.name()
		if _, again := r.types[name]; name == "" || again {
			return errNotUnderstood
		}
		r.types[name] = typ
		if typ.record != nil && typ.record.tag == "" {
			typ.record.tag = name
		}
	}
	if !r.accept(";") {
		return errNotUnderstood
	}
	return nil
}

// specifier reads a type: a record, an enum, words, or the name of a typedef.
func (r *abiReader) specifier() (abiType, error) {
	if len(r.tokens) == 0 || r.strange[r.tokens[0].text] {
		return abiType{}, errNotUnderstood
	}
	switch kind := r.tokens[0].text; kind {
	case "struct", "union", "enum":
		r.tokens = r.tokens[1:]
		tag := r.name()
		switch {
		case !r.is("{"):
			typ, ok := r.types[kind+" "+tag]
			if !ok || r.strange[tag] {
				return abiType{}, errNotUnderstood
			}
			return typ, nil
		case kind == "enum":
			return r.enumeration(tag)
		}
		return r.recordBody(tag, kind == "union")
	}
	var words []string
	for len(r.tokens) > 0 && !r.strange[r.tokens[0].text] {
		word := r.tokens[0].text
		if _, ok := keywordTypes[strings.Join(append(words, word), " ")]; !ok {
			break
		}
		words = append(words, word)
		r.tokens = r.tokens[1:]
	}
	if len(words) > 0 {
		return keywordTypes[strings.Join(words, " ")], nil
	}
	typ, ok := r.types[r.name()]
	if !ok {
		return abiType{}, errNotUnderstood
	}
	return typ, nil
}

// enumeration reads the values of an enum that are numbers an int holds.
func (r *abiReader) enumeration(tag string) (abiType, error) {
	r.accept("{")
	for next := int64(0); ; {
		if r.name() == "" {
			return abiType{}, errNotUnderstood
		}
		if r.accept("=") {
			n, err := r.number(1 << 30)
			if err != nil {
				return abiType{}, err
			}
			next = n
		}
		if next++; next > 1<<30 {
			return abiType{}, errNotUnderstood
		}
		if !r.accept(",") || r.is("}") {
			break
		}
	}
	if !r.accept("}") {
		return abiType{}, errNotUnderstood
	}
	if tag != "" {
		r.types["enum "+tag] = scalarOf(4)
	}
	return scalarOf(4), nil
}

// abiAttributes are what attributes ask for.
type abiAttributes struct {
	packed bool
	align  int64 // in bytes; 0: nothing
}

// attributes reads packed and aligned(N), in any order.
func (r *abiReader) attributes() (a abiAttributes, err error) {
	for r.accept("__attribute__") {
		if !r.acceptTwo("(") {
			return a, errNotUnderstood
		}
		for {
			switch {
			case r.accept("packed"):
				a.packed = true
			case r.accept("aligned"):
				if !r.accept("(") {
					return a, errNotUnderstood
				}
				n, err := r.number(1 << 12)
				if err != nil || n < 1 || n&(n-1) != 0 || !r.accept(")") {
					return a, errNotUnderstood
				}
				a.align = max(a.align, n)
			default:
				return a, errNotUnderstood
			}
			if !r.accept(",") {
				break
			}
		}
		if !r.acceptTwo(")") {
			return a, errNotUnderstood
		}
	}
	return a, nil
}

// An abiDeclared is a member before it has a place.
type abiDeclared struct {
	abiAttributes
	name     string
	typ      abiType
	bitField bool
	bits     int64 // of a bit-field
	count    int64 // of elements
	dims     bool
}

// recordBody reads members up to the brace, and the attributes behind it, and
// lays the record out.
func (r *abiReader) recordBody(tag string, union bool) (abiType, error) {
	r.accept("{")
	var list []abiDeclared
	for !r.accept("}") {
		more, err := r.memberLine()
		if err != nil {
			return abiType{}, err
		}
		list = append(list, more...)
	}
	attributes, err := r.attributes()
	if err != nil {
		return abiType{}, err
	}
	rec := r.place(list, union, attributes)
	rec.tag, rec.union = tag, union
	rec.record = rec
	if rec.bytes > 1<<20 {
		return abiType{}, errNotUnderstood
	}
	r.records = append(r.records, rec)
	if tag != "" {
		kind := "struct "
		if union {
			kind = "union "
		}
		r.types[kind+tag] = rec.abiType
	}
	return rec.abiType, nil
}

// memberLine reads: type declarator, declarator ... ;
func (r *abiReader) memberLine() (list []abiDeclared, err error) {
	typ, err := r.specifier()
	if err != nil {
		return nil, err
	}
	if r.accept(";") {
		if typ.record == nil || typ.record.tag != "" {
			return nil, errNotUnderstood
		}
		return []abiDeclared{{typ: typ, count: 1}}, nil
	}
	for {
		m := abiDeclared{typ: typ, count: 1}
		for r.accept("*") {
			m.typ = abiType{bytes: 8, align: 8}
		}
		m.name = r.name()
		if m.name == "" && !r.is(":") {
			return nil, errNotUnderstood
		}
		for r.accept("[") {
			n, err := r.number(1 << 10)
			if err != nil || !r.accept("]") {
				return nil, errNotUnderstood
			}
			m.count, m.dims = m.count*n, true
		}
		if r.accept(":") {
			if m.bits, err = r.number(8 * m.typ.bytes); err != nil || !m.typ.scalar || m.dims {
				return nil, errNotUnderstood
			}
			m.bitField = true
		}
		if m.abiAttributes, err = r.attributes(); err != nil || m.name == "" && m.abiAttributes != (abiAttributes{}) {
			return nil, errNotUnderstood
		}
		list = append(list, m)
		if r.accept(";") {
			return list, nil
		}
		if !r.accept(",") {
			return nil, errNotUnderstood
		}
	}
}

// place lays the members out. A member begins at the next multiple of its
// alignment. A bit-field takes the next bits, unless that would make it cross a
// boundary of its type, or the width 0 asks for one; packed, it crosses them.
func (r *abiReader) place(list []abiDeclared, union bool, of abiAttributes) *abiRecord {
	rec := &abiRecord{}
	rec.align = max(1, of.align)
	end, most := int64(0), int64(0) // in bits
	for _, m := range list {
		unit := m.typ.bytes * 8
		packed := of.packed || m.packed
		align := m.typ.align                       // in bytes
		if packed && !(m.bitField && r.pack > 0) { // of bit-fields gcc asks the pragma alone
			align = 1
		}
		align = max(align, m.align)
		asked := max(1, m.align) // of a bit-field: by an attribute
		if r.pack > 0 {
			align, asked = min(align, r.pack), min(asked, r.pack)
		}
		if union {
			end = 0
		}
		size := m.bits
		switch {
		case !m.bitField:
			end = multiple(end, align*8)
			size = unit * m.count
		case m.bits == 0:
			end = multiple(end, unit)
		default:
			if m.align > 0 {
				end = multiple(end, asked*8)
			}
			if !packed && r.pack == 0 && end/unit != (end+m.bits-1)/unit {
				end = multiple(end, unit)
			}
		}
		switch {
		case m.name != "":
			rec.members = append(rec.members, abiMember{m.name, end, m.bits, m.typ, m.dims})
		case !m.bitField && !m.typ.record.union:
			for _, inner := range m.typ.record.members {
				inner.at += end
				rec.members = append(rec.members, inner)
			}
		}
		if !m.bitField || m.name != "" { // unnamed bit-fields align nothing
			rec.align = max(rec.align, align)
		}
		end += size
		most = max(most, end)
	}
	rec.bytes = multiple((most+7)/8, rec.align)
	return rec
}

// multiple rounds n up to a multiple of m.
func multiple(n, m int64) int64 { return (n + m - 1) / m * m }
