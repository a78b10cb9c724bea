package cdump

import (
	"fmt"
	"slices"
	"strings"

	"cstructgen/internal/cstruct"
)

// A NameError says that no type has a name.
type NameError struct {
	Name  string
	Known []string // types that the named files themselves declare
}

// Error lists the types that there are, if they are not too many.
func (e *NameError) Error() string {
	known := e.Known
	more := ""
	if len(known) > maxKnown {
		known, more = known[:maxKnown], fmt.Sprintf(" and %d more", len(known)-maxKnown)
	}
	if len(known) == 0 {
		return fmt.Sprintf("no type %q is declared", e.Name)
	}
	return fmt.Sprintf("no type %q is declared; there are %s%s", e.Name, strings.Join(known, ", "), more)
}

const maxKnown = 40

// Find returns the type with a name as C writes it: "struct a", a tag alone,
// or a typedef. The error is a *NameError.
func Find(m *cstruct.Model, name string) (cstruct.Type, error) {
	want := strings.Join(strings.Fields(name), " ")
	for _, s := range m.Structs {
		if !s.Anonymous && (s.String() == want || s.Tag == want) {
			return s, nil
		}
	}
	for _, e := range m.Enums {
		if !e.Anonymous && (e.String() == want || e.Tag == want) {
			return e, nil
		}
	}
	for _, t := range m.Typedefs {
		if t.Name == want {
			return t, nil
		}
	}
	err := &NameError{Name: name}
	for _, s := range m.Structs {
		if s.Main && !s.Anonymous {
			err.Known = append(err.Known, s.Name)
		}
	}
	for _, t := range m.Typedefs {
		if t.Main && !slices.Contains(err.Known, t.Name) {
			err.Known = append(err.Known, t.Name)
		}
	}
	return nil, err
}
