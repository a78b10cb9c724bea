package gen

import (
	"path/filepath"
	"strings"
	"unicode"

	"cstructgen/internal/cstruct"
)

// failures names the type of the errors that code returns, if any does: that
// of decoding and encoding values whose size or range is not in their Go type.
// Every generated file has its own, named after the first C file.
func (l *lowering) failures() error {
	l.settleDynamic()
	needed := false
	for _, d := range l.decls {
		needed = needed || d.record != nil && (d.record.dynamic || d.record.checked)
	}
	if !needed {
		return nil
	}
	base := filepath.Base(l.cfg.Files[0].Name)
	stem := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '_'
	}, strings.TrimSuffix(base, filepath.Ext(base)))
	l.failure = exported(stem) + "Error"
	return l.names.take(l.failure, "errors of "+base, "error", cstruct.Pos{File: l.cfg.Files[0].Name, Line: 1, Col: 1})
}

// failureType writes the type of errors.
func (w *writer) failureType(name string) {
	w.doc(wrap(name + " is the error of decoding and encoding: what failed, and where.")...)
	w.line("type %s struct {", name)
	w.line("Struct string // as C names it")
	w.line("Field string // as C names it")
	w.line("Offset int // of the field, in bytes from the start of the input or output")
	w.line("Err error // io.ErrUnexpectedEOF where the input ends too early")
	w.line("}")
	w.line("")
	w.doc("Error says it in words.")
	w.line("func (e *%s) Error() string {", name)
	w.line(`return fmt.Sprintf("%%s.%%s at offset %%d: %%v", e.Struct, e.Field, e.Offset, e.Err)`)
	w.line("}")
	w.line("")
	w.doc("Unwrap returns e.Err.")
	w.line("func (e *%s) Unwrap() error { return e.Err }", name)
	w.line("")
}
