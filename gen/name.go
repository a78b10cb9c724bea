package gen

import (
	"fmt"
	"go/token"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"cstructgen/internal/cstruct"
)

// exported makes the Go name of a C name by the one rule there is: what
// underscores separate is joined, each part beginning with a capital. Of a name
// of several parts in capitals alone, each keeps the first. A result that
// still does not begin with one gets an X in front.
//
//	l1_table_offset -> L1TableOffset
//	EFI_GUID        -> EfiGuid
//	__s8            -> S8
//	_64bit          -> X64bit
func exported(c string) string {
	if shouted(c) {
		c = strings.ToLower(c)
	}
	return joined(c)
}

// joined is exported without the rule for capitals.
func joined(c string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(c, "_") {
		if part == "" {
			continue
		}
		r, n := utf8.DecodeRuneInString(part)
		b.WriteRune(unicode.ToUpper(r))
		b.WriteString(part[n:])
	}
	if name := b.String(); token.IsExported(name) {
		return name
	}
	return "X" + b.String()
}

// shouted reports whether a name has several parts and no small letter.
func shouted(c string) bool {
	return strings.Contains(strings.Trim(c, "_"), "_") && strings.ToUpper(c) == c
}

// constantName is the Go name of a macro or enumerator: the C name itself
// where Go exports it, so that a search for the specification's name finds it.
func constantName(c string) string {
	if token.IsExported(c) {
		return c
	}
	return joined(c)
}

// A scope holds the Go names that are taken, and by what.
type scope struct {
	in    string // "package qcow2", "struct a"
	taken map[string]owner
	next  map[string]int // by stem: see free
}

type owner struct {
	what string
	pos  cstruct.Pos // zero: the generator's own
}

func newScope(in string) *scope {
	return &scope{in: in, taken: make(map[string]owner), next: make(map[string]int)}
}

// reserve takes names that generated code itself needs.
func (s *scope) reserve(what string, names ...string) {
	for _, n := range names {
		s.taken[n] = owner{what: what}
	}
}

// maxName is how long a Go name may be. Our limit: names of types that C leaves
// without one are made of all names around them, and stand in the output often.
const maxName = 512

// take takes name for what stands at pos. A name that is no Go identifier, or
// that something else has, is an error naming both, and key, by which
// Config.Rename finds it; no suffix is ever added.
func (s *scope) take(name, what, key string, pos cstruct.Pos) error {
	if len(name) > maxName {
		return unsupported(pos, "a Go name of %d bytes, more than %d", len(name), maxName)
	}
	if !token.IsIdentifier(name) || !token.IsExported(name) {
		return unsupported(pos, "%s: %q is no exported Go name%s", what, name, wayOut(key))
	}
	old, ok := s.taken[name]
	if !ok {
		s.taken[name] = owner{what, pos}
		return nil
	}
	if old.pos == (cstruct.Pos{}) {
		return unsupported(pos, "%s: its Go name %s in %s is that of %s%s", what, name, s.in, old.what, wayOut(key))
	}
	return unsupported(pos, "%s: its Go name %s in %s is taken by %s at %s%s",
		what, name, s.in, old.what, at(old.pos), wayOut(key))
}

// wayOut says what helps where two names clash.
func wayOut(key string) string {
	return fmt.Sprintf("; --rename '%s=NAME' gives it another", key)
}

// A renaming gives Go names to C declarations, instead of the rule.
type renaming struct {
	names map[string]string // by key
	used  map[string]bool
}

// newRenaming checks what a Config asks for.
func newRenaming(names map[string]string) (*renaming, error) {
	for _, key := range slices.Sorted(maps.Keys(names)) {
		if name := names[key]; !token.IsIdentifier(name) || !token.IsExported(name) {
			return nil, configError("rename of %q: %q is no exported Go name", key, name)
		}
	}
	return &renaming{names, make(map[string]bool)}, nil
}

// of returns the name that is given to what key says, or else name. A key of a
// kind and a name, "struct a", may be shortened to the name.
func (r *renaming) of(name, key string) string {
	_, short, _ := strings.Cut(key, " ")
	for _, key := range []string{key, short} {
		if to, ok := r.names[key]; ok {
			r.used[key] = true
			return to
		}
	}
	return name
}

// unused returns an error if something was to be renamed that is not there.
func (r *renaming) unused() error {
	for _, key := range slices.Sorted(maps.Keys(r.names)) {
		if !r.used[key] {
			return configError("rename of %q: the output has no such declaration", key)
		}
	}
	return nil
}

// at prints a position.
func at(p cstruct.Pos) string {
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// free returns the first free of stem0, stem1, ... for something that C
// leaves without a name.
func (s *scope) free(stem string) string {
	for { // names never become free again
		name := fmt.Sprint(stem, s.next[stem])
		if !s.has(name) {
			return name
		}
		s.next[stem]++
	}
}

// has reports whether a name is taken.
func (s *scope) has(name string) bool {
	_, ok := s.taken[name]
	return ok
}
