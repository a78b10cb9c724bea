package main

import (
	"bufio"
	"fmt"
	"strings"
)

// A dumpRow is a field, or entries of a table that go on with each other.
type dumpRow struct {
	offset  uint64
	bytes   []byte // of the first entry
	name    string // of the field; "" of entries
	index   uint64 // of the first entry
	count   uint64 // of entries
	value   any    // a uint64, a string from the image, or nil: the bytes say it
	hex     bool   // the value is a place or made of bits
	meaning string
	doc     string // what the field is, from the definitions
}

// A dumpWriter prints what a dumper finds, as it is found.
type dumpWriter interface {
	part(title string, offset uint64)
	row(r *dumpRow)
	note(text string) // about the part
	end()
}

// A textDump prints lines for people.
type textDump struct {
	w     *bufio.Writer
	parts int
}

func (t *textDump) part(title string, offset uint64) {
	if t.parts++; t.parts > 1 {
		fmt.Fprintln(t.w)
	}
	fmt.Fprintf(t.w, "%s at %d (%#x)\n", title, offset, offset)
}

func (t *textDump) note(text string) { fmt.Fprintf(t.w, "          %s\n", text) }
func (t *textDump) end()             {}

// rowBytes is how many bytes a line shows.
const rowBytes = 8

func (t *textDump) row(r *dumpRow) {
	shownBytes := fmt.Sprintf("% x", r.bytes[:min(len(r.bytes), rowBytes)])
	if len(r.bytes) > rowBytes {
		shownBytes += " .."
	}
	name := r.name
	switch {
	case name != "":
	case r.count == 1:
		name = fmt.Sprintf("[%d]", r.index)
	default:
		name = fmt.Sprintf("[%d..%d]", r.index, r.index+r.count-1)
	}
	line := fmt.Sprintf("%08x  %-26s  %-23s  %s", r.offset, shownBytes, name, r.text())
	if r.meaning != "" {
		line = fmt.Sprintf("%-86s  %s", strings.TrimRight(line, " "), r.meaning)
	}
	if r.doc != "" {
		line = fmt.Sprintf("%-86s  // %s", line, r.doc)
	}
	fmt.Fprintln(t.w, strings.TrimRight(line, " "))
}

// text is the value for people.
func (r *dumpRow) text() string {
	switch v := r.value.(type) {
	case uint64:
		if r.hex && v > 9 {
			return fmt.Sprintf("%#x", v)
		}
		return fmt.Sprint(v)
	case string:
		return fmt.Sprintf("%q", v)
	}
	return ""
}

// A jsonDump prints a list of parts, each with a list of rows.
type jsonDump struct {
	w     *bufio.Writer
	parts int
	rows  int
	notes list
}

func (j *jsonDump) part(title string, offset uint64) {
	j.close()
	separator := ","
	if j.parts++; j.parts == 1 {
		separator = "["
	}
	fmt.Fprintf(j.w, "%s\n    {\n        \"part\": ", separator)
	writeQuoted(j.w, title)
	fmt.Fprintf(j.w, ",\n        \"offset\": %d,\n        \"rows\": [", offset)
	j.rows = 0
}

// close ends the part.
func (j *jsonDump) close() {
	if j.parts == 0 {
		return
	}
	if j.rows > 0 {
		fmt.Fprint(j.w, "\n        ")
	}
	fmt.Fprint(j.w, "]")
	if len(j.notes) > 0 {
		fmt.Fprint(j.w, ",\n        \"notes\": ")
		writeValue(j.w, j.notes, "        ")
		j.notes = nil
	}
	fmt.Fprint(j.w, "\n    }")
}

func (j *jsonDump) row(r *dumpRow) {
	o := object{{"offset", r.offset}, {"bytes", fmt.Sprintf("%x", r.bytes)}}
	if r.name != "" {
		o = append(o, member{"field", r.name})
	} else {
		o = append(o, member{"index", r.index}, member{"count", r.count})
	}
	if r.value != nil {
		o = append(o, member{"value", r.value})
	}
	if r.meaning != "" {
		o = append(o, member{"meaning", r.meaning})
	}
	if r.doc != "" {
		o = append(o, member{"doc", r.doc})
	}
	separator := ","
	if j.rows++; j.rows == 1 {
		separator = ""
	}
	fmt.Fprintf(j.w, "%s\n            ", separator)
	writeValue(j.w, o, "            ")
}

func (j *jsonDump) note(text string) { j.notes = append(j.notes, text) }

func (j *jsonDump) end() {
	j.close()
	if j.parts == 0 {
		fmt.Fprint(j.w, "[")
	}
	fmt.Fprint(j.w, "\n]\n")
}
