package cstruct

import (
	"strings"
)

// pragma carries out what concerns the preprocessor and returns the tokens of
// a pragma that the parser is to see.
func (pp *preprocessor) pragma(name token, line []token) []token {
	if len(line) == 0 || line[0].kind != tIdent {
		return nil
	}
	switch line[0].text {
	case "once":
		in := pp.input[len(pp.input)-1]
		pp.once[in.text.identity(in.where.path)] = true
		return nil
	case "push_macro", "pop_macro":
		pp.stackMacro(line)
		return nil
	case "pack":
		line = append(line[:1:1], pp.expandAll(line[1:])...)
	case "scalar_storage_order", "cstructgen", "ms_struct":
	default:
		return nil
	}
	end := token{kind: tNewline, pos: name.pos}
	return append(append([]token{{kind: tPragma, pos: name.pos}}, line...), end)
}

// stackMacro carries out push_macro("name") and pop_macro("name").
func (pp *preprocessor) stackMacro(line []token) {
	if len(line) != 4 || !line[1].is("(") || line[2].kind != tString || !line[3].is(")") {
		pp.warnf(line[0].pos, "malformed #pragma %s ignored", line[0].text)
		return
	}
	name := strings.Trim(line[2].text, `"`)
	saved := pp.pushed[name]
	if line[0].text == "push_macro" {
		pp.pushed[name] = append(saved, pp.macros[name])
		return
	}
	if len(saved) == 0 {
		return
	}
	m := saved[len(saved)-1]
	pp.pushed[name] = saved[:len(saved)-1]
	if m == nil {
		delete(pp.macros, name)
	} else {
		pp.macros[name] = m
	}
}

// pragmaOperator carries out _Pragma("..."), named by t.
func (pp *preprocessor) pragmaOperator(s *stream, t token) {
	var toks [3]token
	for i := range toks {
		toks[i] = s.next()
	}
	if !toks[0].is("(") || toks[1].kind != tString || !toks[2].is(")") {
		pp.errorf(t.pos, "_Pragma needs one string in parentheses")
		return
	}
	if len(pp.input) == 0 || !pp.spend(t.pos, len(toks[1].text)) {
		return // the value of a macro is computed, and the files are closed
	}
	// Its text comes without the macros that it came from.
	if pp.depth++; pp.depth > maxNesting {
		pp.limitf(t.pos, "_Pragma nested deeper than %d", maxNesting)
	}
	defer func() { pp.depth-- }()
	if pp.stopped {
		return
	}
	content := toks[1].text[strings.IndexByte(toks[1].text, '"'):]
	content = content[1 : len(content)-1]
	content = strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(content)
	l := newLexer(&file{text: &text{text: content}}, func(pos, string, ...any) {})
	l.raw, l.bol, l.directive = true, false, true
	var line []token
	for p := l.next(); p.kind != tNewline; p = l.next() {
		p.pos = t.pos
		line = append(line, p)
	}
	s.push(pp.pragma(t, line)...)
}
