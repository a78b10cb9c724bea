package cstruct

import "strconv"

// A packState is what #pragma pack says at a place.
type packState struct {
	now   int64 // the largest alignment of members; 0: no limit
	stack []savedPack
}

type savedPack struct {
	name string
	pack int64
}

// pragma carries out a pragma between tokens.
func (p *parser) pragma(line []token) {
	switch line[0].text {
	case "pack":
		p.packPragma(line)
	case "scalar_storage_order":
		p.orderPragma(line)
	case "cstructgen":
		if len(line) == 3 && line[1].isName("flags") && line[2].kind == tIdent {
			p.decls = append(p.decls, &flagsDecl{line[2]})
		} else {
			p.errorf(line[0].pos, "expected #pragma cstructgen flags NAME")
		}
	case "ms_struct":
		if len(line) == 2 && line[1].isName("on") {
			p.unsupportedf(line[0].pos, "#pragma ms_struct: the layout of Microsoft's compilers is not translated")
		}
	}
}

// packPragma carries out pack(), pack(n), pack(push[, name][, n]) and
// pack(pop[, name][, n]). Like gcc it warns of others and ignores them.
func (p *parser) packPragma(line []token) {
	ignore := func() { p.warnf(line[0].pos, "malformed #pragma pack ignored") }
	if len(line) < 3 || !line[1].is("(") || !line[len(line)-1].is(")") {
		ignore()
		return
	}
	var words []string
	for i, t := range line[2 : len(line)-1] {
		switch {
		case i%2 == 1 && !t.is(","), i%2 == 0 && t.kind != tIdent && t.kind != tNumber:
			ignore()
			return
		case i%2 == 0:
			words = append(words, t.text)
		}
	}
	s := &p.pack
	action, name, pack := "set", "", int64(-1)
	if len(words) > 0 && (words[0] == "push" || words[0] == "pop") {
		action, words = words[0], words[1:]
		if len(words) > 0 && !isDigit(words[0][0]) {
			name, words = words[0], words[1:]
		}
	} else if len(words) == 0 {
		pack = 0
	}
	if len(words) > 0 {
		n, err := strconv.ParseInt(words[0], 0, 32)
		switch {
		case err != nil || len(words) > 1:
			ignore()
			return
		case n < 0 || n > 16 || n&(n-1) != 0:
			p.warnf(line[0].pos, "#pragma pack: %s is no alignment; ignored", words[0])
			return
		}
		pack = n
	}
	switch action {
	case "push":
		if len(s.stack) >= maxNesting {
			p.limitf(line[0].pos, "#pragma pack nested deeper than %d", maxNesting)
			return
		}
		s.stack = append(s.stack, savedPack{name, s.now})
	case "pop":
		n := len(s.stack) - 1
		for n >= 0 && name != "" && s.stack[n].name != name {
			n--
		}
		if n < 0 {
			p.warnf(line[0].pos, "#pragma pack(pop) without push; ignored")
			return
		}
		s.now, s.stack = s.stack[n].pack, s.stack[:n]
	}
	if pack >= 0 {
		s.now = pack
	}
}

func (p *parser) orderPragma(line []token) {
	word := spell(line[1:])
	order, ok := storageOrder(word)
	switch {
	case word == "default":
		p.order = nil
	case ok:
		p.order = &order
	default:
		p.errorf(line[0].pos, "expected #pragma scalar_storage_order big-endian, little-endian or default")
	}
}

func storageOrder(word string) (order ByteOrder, ok bool) {
	switch word {
	case "big-endian":
		return BigEndian, true
	case "little-endian":
		return LittleEndian, true
	}
	return 0, false
}
