package gen

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cstructgen/internal/cstruct"
)

// maxErrors is how many errors Generate returns at most.
const maxErrors = 20

// A ConfigError says that a Config asks for what cannot be.
type ConfigError struct{ Msg string }

func (e *ConfigError) Error() string { return e.Msg }

func configError(format string, args ...any) error {
	return &ConfigError{fmt.Sprintf(format, args...)}
}

// unsupported says that what stands at pos is valid C that gets no Go code.
func unsupported(pos cstruct.Pos, format string, args ...any) error {
	return &UnsupportedError{Pos: pos, Msg: fmt.Sprintf(format, args...)}
}

// ErrOutput is wrapped, as ErrLimit is, by errors about C text that would give
// too much Go. Config.Types asks for less.
var ErrOutput = fmt.Errorf("too much output: %w", ErrLimit)

// limited says that what stands at pos goes beyond a limit of the output.
func limited(pos cstruct.Pos, format string, args ...any) error {
	return &Error{Pos: pos, Msg: fmt.Sprintf(format, args...), Err: ErrOutput}
}

// A report gathers the errors of a run.
type report struct {
	files []Source // whose lines errors quote
	list  ErrorList
}

// add adds err unless it is nil.
func (r *report) add(err error) {
	if err != nil {
		r.list = append(r.list, err)
	}
}

// err returns what was gathered, sorted by position; nil if nothing was.
func (r *report) err() error {
	if len(r.list) == 0 {
		return nil
	}
	slices.SortStableFunc(r.list, func(a, b error) int {
		p, q := positionOf(a), positionOf(b)
		return cmp.Or(strings.Compare(p.File, q.File), p.Line-q.Line, p.Col-q.Col)
	})
	list := r.list[:min(len(r.list), maxErrors)]
	for _, err := range list {
		r.quote(err)
	}
	return list
}

// quote adds the source line to an error.
func (r *report) quote(err error) {
	pos := positionOf(err)
	var line *string
	switch e := err.(type) {
	case *UnsupportedError:
		line = &e.Line
	case *Error:
		line = &e.Line
	default:
		return
	}
	for _, f := range r.files {
		if *line == "" && f.Name == pos.File {
			*line = sourceLine(sourceLines(f.Text), pos.Line)
		}
	}
}

func positionOf(err error) cstruct.Pos {
	switch e := err.(type) {
	case *UnsupportedError:
		return e.Pos
	case *Error:
		return e.Pos
	}
	return cstruct.Pos{}
}

// sourceLines cuts a text into lines as positions count them.
func sourceLines(text []byte) []string {
	s := strings.ReplaceAll(string(text), "\r\n", "\n")
	return strings.Split(strings.ReplaceAll(s, "\r", "\n"), "\n")
}

// sourceLine returns a line by its number, which counts from 1.
func sourceLine(lines []string, n int) string {
	if n < 1 || n > len(lines) {
		return ""
	}
	return lines[n-1]
}
