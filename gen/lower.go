package gen

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"cstructgen/internal/cstruct"
)

// A program is a Go file to be: its declarations in order, every name chosen.
type program struct {
	pkg      string
	from     []string            // base names of the C files
	lines    map[string][]string // of the C files, by name
	suffixes []string            // of the methods that exist once for each order
	decls    []*decl
	failure  string // type of errors; "": no code returns one
	files    []Source
}

// A decl is what one C declaration becomes: a record, an enum or a constant.
type decl struct {
	pos      cstruct.Pos
	main     bool
	record   *record
	enum     *enum
	constant *constant
}

// A lowering turns a model into a program.
type lowering struct {
	cfg      *Config
	model    *cstruct.Model
	report   *report
	suffixes []string
	lines    map[string][]string // of the C files, by name
	names    *scope              // of the package
	renamed  *renaming
	records  map[*cstruct.Struct]*record
	enums    map[*cstruct.Enum]*enum
	decls    []*decl
	failure  string
}

// lowered parses the files of cfg and lowers them.
func lowered(cfg Config) (*program, error) {
	if cfg.Order != Both {
		order := cstruct.LittleEndian
		if cfg.Order == Big {
			order = cstruct.BigEndian
		}
		return lowerIn(&cfg, order, []string{""})
	}
	suffixes := []string{"LE", "BE"}
	p, err := lowerIn(&cfg, cstruct.LittleEndian, suffixes)
	if err != nil {
		return nil, err
	}
	big, err := lowerIn(&cfg, cstruct.BigEndian, suffixes)
	if err != nil {
		return nil, err
	}
	r := &report{files: cfg.Files}
	r.add(pair(p, big))
	return p, r.err()
}

// lowerIn does the work of lowered for one byte order.
func lowerIn(cfg *Config, order cstruct.ByteOrder, suffixes []string) (*program, error) {
	in := cstruct.Config{
		Files: slices.Clone(cfg.Files), Include: slices.Clone(cfg.Include), Defines: cfg.Defines, Order: order,
		Dialect: cfg.Dialect, Aligned: cfg.Aligned, PointerSize: cfg.PointerSize,
	}
	for i := range in.Files {
		in.Files[i].Dir.FS = identified(in.Files[i].Dir.FS)
	}
	for i := range in.Include {
		in.Include[i].FS = identified(in.Include[i].FS)
	}
	model, err := cstruct.Parse(in)
	if err != nil {
		return nil, err
	}
	renamed, err := newRenaming(cfg.Rename)
	if err != nil {
		return nil, err
	}
	l := &lowering{
		cfg: cfg, renamed: renamed, model: model, suffixes: suffixes,
		report:  &report{files: cfg.Files},
		names:   newScope("package " + cfg.Package),
		records: make(map[*cstruct.Struct]*record),
		enums:   make(map[*cstruct.Enum]*enum),
		lines:   make(map[string][]string),
	}
	for _, f := range cfg.Files {
		l.lines[f.Name] = sourceLines(f.Text)
	}
	if err := l.lower(); err != nil {
		return nil, err
	}
	p := &program{pkg: cfg.Package, suffixes: suffixes, decls: l.decls, lines: l.lines, failure: l.failure, files: cfg.Files}
	for _, f := range cfg.Files {
		p.from = append(p.from, filepath.Base(f.Name))
	}
	return p, nil
}

// identified returns a file system that can be compared, as cstruct does to
// tell files apart. Some, fstest.MapFS for one, are maps, which cannot.
func identified(f fs.FS) fs.FS {
	if f == nil || reflect.TypeOf(f).Comparable() {
		return f
	}
	return &struct{ fs.FS }{f}
}

// lower lowers what the configuration asks for, and what that needs.
func (l *lowering) lower() error {
	wanted, err := l.selection()
	if err != nil {
		return err
	}
	for _, s := range l.model.Structs {
		if !s.Anonymous && wanted(s.Name, s.Main) {
			_, err := l.record(s, place{})
			l.report.add(err)
			if errors.Is(err, ErrLimit) {
				break
			}
		}
	}
	for _, e := range l.model.Enums {
		if !e.Anonymous && wanted(e.Name, e.Main) {
			_, err := l.enum(e, place{})
			l.report.add(err)
		}
	}
	// What is left of the anonymous enums is no type of any field: its
	// enumerators are plain constants.
	for _, e := range l.model.Enums {
		if _, ok := l.enums[e]; !ok && e.Anonymous {
			l.report.add(l.looseValues(e, wanted))
		}
	}
	l.constants(wanted)
	l.report.add(l.failures())
	if err := l.report.err(); err != nil {
		return err
	}
	l.sort()
	return l.renamed.unused()
}

// selection returns what decides whether a declaration is asked for.
func (l *lowering) selection() (func(cname string, main bool) bool, error) {
	if len(l.cfg.Types) == 0 {
		return func(_ string, main bool) bool { return main }, nil
	}
	known := l.typedefsByTarget()
	match := func(pattern, cname string) bool {
		ok, _ := path.Match(pattern, cname)
		return ok || slices.ContainsFunc(known[cname], func(alias string) bool {
			ok, _ := path.Match(pattern, alias)
			return ok
		})
	}
	for _, pattern := range l.cfg.Types {
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, configError("type pattern %q: %v", pattern, err)
		}
		if !slices.ContainsFunc(l.cnames(), func(c string) bool { return match(pattern, c) }) {
			return nil, configError("type pattern %q matches no declaration", pattern)
		}
	}
	return func(cname string, _ bool) bool {
		return slices.ContainsFunc(l.cfg.Types, func(p string) bool { return match(p, cname) })
	}, nil
}

// typedefsByTarget lists the typedefs of each named struct and enum.
func (l *lowering) typedefsByTarget() map[string][]string {
	m := make(map[string][]string)
	for _, td := range l.model.Typedefs {
		switch t := under(td).(type) {
		case *cstruct.Struct:
			m[t.Name] = append(m[t.Name], td.Name)
		case *cstruct.Enum:
			m[t.Name] = append(m[t.Name], td.Name)
		}
	}
	return m
}

// cnames lists what a pattern can name.
func (l *lowering) cnames() []string {
	var names []string
	for _, s := range l.model.Structs {
		names = append(names, s.Name)
	}
	for _, e := range l.model.Enums {
		names = append(names, e.Name)
		for _, v := range e.Values {
			if e.Anonymous {
				names = append(names, v.Name)
			}
		}
	}
	for _, c := range l.model.Constants {
		if c.Main {
			names = append(names, c.Name)
		}
	}
	return names
}

// sort brings the declarations into the order of the C text, those of
// included files first.
func (l *lowering) sort() {
	rank := make(map[string]int)
	for i, f := range l.cfg.Files {
		rank[f.Name] = i + 1
	}
	slices.SortStableFunc(l.decls, func(a, b *decl) int {
		return cmp.Or(
			cmp.Compare(rank[a.pos.File], rank[b.pos.File]),
			strings.Compare(a.pos.File, b.pos.File),
			cmp.Compare(a.pos.Line, b.pos.Line),
			cmp.Compare(a.pos.Col, b.pos.Col))
	})
}
