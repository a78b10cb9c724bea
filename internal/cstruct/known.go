package cstruct

import (
	"embed"
	"io/fs"
	"strings"
)

// What every run knows from the start:
//
//	prelude/predefined.h  the macros that gcc 12 predefines on x86-64 Linux
//	prelude/known.h       types that headers use without saying where from
//	freestanding/         the headers that come with a compiler, not a system
//
//go:embed prelude freestanding
var embedded embed.FS

const builtinName = "<builtin>"

// freestanding returns the directory of headers that is searched last.
func freestanding() fs.FS {
	sub, err := fs.Sub(embedded, "freestanding")
	if err != nil {
		panic(err) // the directory is embedded
	}
	return sub
}

// prelude returns a file of the prelude.
func prelude(name string) *file {
	b, err := embedded.ReadFile("prelude/" + name)
	if err != nil {
		panic(err) // the file is embedded
	}
	return &file{text: newText(b), name: builtinName + "/" + name, builtin: true}
}

// start enters what is known before the first line, and returns the tokens
// that declare the types among it. The macros of Config.Defines come last, so
// that they change the text that is to be read and not ours.
func (pp *preprocessor) start() []token {
	if pp.cfg.Dialect == DialectDissect {
		pp.commandLine()
		return nil
	}
	pp.run(prelude("predefined.h"), nil)
	order := "LITTLE"
	if pp.cfg.Order == BigEndian {
		order = "BIG"
	}
	pp.run(&file{name: builtinName, builtin: true, text: newText([]byte(
		"#define __BYTE_ORDER__ __ORDER_" + order + "_ENDIAN__\n" +
			"#define __FLOAT_WORD_ORDER__ __ORDER_" + order + "_ENDIAN__\n" +
			"#define __" + order + "_ENDIAN_BITFIELD 1\n"))}, nil)
	for name, f := range dynamic {
		pp.macros[name] = &macro{name: name, builtin: true, dynamic: f}
	}
	known := prelude("known.h")
	known.known = true
	toks := pp.run(known, nil)
	pp.commandLine()
	return toks
}

// commandLine enters the macros of Config.Defines.
func (pp *preprocessor) commandLine() {
	var b strings.Builder
	for _, d := range pp.cfg.Defines {
		name, value, found := strings.Cut(d, "=")
		if !found {
			value = "1"
		}
		// A line end would begin a directive of its own.
		b.WriteString("#define " + strings.NewReplacer("\n", " ", "\r", " ").Replace(name+" "+value) + "\n")
	}
	pp.run(&file{name: "<command line>", text: newText([]byte(b.String()))}, nil)
}

// The macros whose replacement depends on where they stand. What would differ
// from one run to the next has the value that gcc gives it when the date is
// unknown.
var dynamic = map[string]func(pp *preprocessor, at token) token{
	"__FILE__": func(pp *preprocessor, at token) token {
		name, _ := pp.presumed(at.pos)
		return stringToken(name)
	},
	"__BASE_FILE__": func(pp *preprocessor, at token) token {
		return stringToken(pp.cfg.Files[0].Name)
	},
	"__LINE__": func(pp *preprocessor, at token) token {
		_, line := pp.presumed(at.pos)
		return numberToken(line)
	},
	"__INCLUDE_LEVEL__": func(pp *preprocessor, at token) token {
		return numberToken(len(pp.input) - 1)
	},
	"__COUNTER__": func(pp *preprocessor, at token) token {
		pp.counter++
		return numberToken(pp.counter - 1)
	},
	"__DATE__":      func(*preprocessor, token) token { return stringToken("??? ?? ????") },
	"__TIME__":      func(*preprocessor, token) token { return stringToken("??:??:??") },
	"__TIMESTAMP__": func(*preprocessor, token) token { return stringToken("??? ??? ?? ??:??:?? ????") },
}

// The typedefs that fix the byte order of their values wherever they stand:
// the kernel's annotated integers, and its checksums, which are defined over
// big-endian words.
var fixedOrders = map[string]ByteOrder{
	"__le16": LittleEndian, "__le32": LittleEndian, "__le64": LittleEndian,
	"__be16": BigEndian, "__be32": BigEndian, "__be64": BigEndian,
	"__sum16": BigEndian, "__wsum": BigEndian,
}

// fixedOrder returns the byte order that the name of t fixes. It counts only
// for integers of the size in the name: a header may mean something else.
func fixedOrder(t *Typedef) (ByteOrder, bool) {
	order, ok := fixedOrders[t.Name]
	if !ok || !isInteger(scalar(t.Type)) {
		return 0, false
	}
	size := int64(4)
	switch {
	case strings.HasSuffix(t.Name, "16"):
		size = 2
	case strings.HasSuffix(t.Name, "64"):
		size = 8
	}
	return order, t.Type.Size() == size
}

// followHeader lets the header with the byte order of the machine be the one
// with the byte order of the run.
func (pp *preprocessor) followHeader(header string) string {
	if dir, ok := strings.CutSuffix(header, "byteorder/little_endian.h"); ok && pp.cfg.Order == BigEndian {
		return dir + "byteorder/big_endian.h"
	}
	return header
}

// followOrder lets macros that say the byte order of the machine say the one
// of the run: system headers define them for the machine they stand on.
func (pp *preprocessor) followOrder(m *macro) {
	if pp.cfg.Order != BigEndian || m.builtin || m.function {
		return
	}
	switch m.name {
	case "__LITTLE_ENDIAN_BITFIELD":
		m.name = "__BIG_ENDIAN_BITFIELD"
	case "__BYTE_ORDER", "__FLOAT_WORD_ORDER":
		if len(m.body) == 1 && m.body[0].isName("__LITTLE_ENDIAN") {
			m.body[0].text = "__BIG_ENDIAN"
		}
	}
}
