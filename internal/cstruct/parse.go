package cstruct

// Parse reads the files of cfg as one translation unit and resolves what they
// declare.
//
// The error is an ErrorList, sorted by position and cut to 20. With an error
// there is no Model.
func Parse(cfg Config) (*Model, error) {
	r := newReporter()
	pp := newPreprocessor(cfg, r)
	toks := pp.start()
	for _, s := range cfg.Files {
		if len(s.Text) > maxFile {
			f := sourceFile(Source{Name: s.Name})
			pp.add(f)
			r.limitf(f.base, "more than %d bytes", maxFile)
			break
		}
		pp.mains = append(pp.mains, sourceFile(s))
	}
	for _, f := range pp.mains {
		if !pp.spared(f.where, f.text) {
			toks = pp.run(f, toks)
		}
	}
	if len(r.errs) > 0 {
		return nil, r.errs.sorted()
	}
	p := newParser(append(toks, token{kind: tEOF, pos: r.next - 1}), r)
	p.dissect = cfg.Dialect == DialectDissect
	p.declarations()
	if len(r.errs) > 0 {
		return nil, r.errs.sorted()
	}
	m := &Model{Order: cfg.Order}
	res := newResolver(r, m)
	if p.dissect {
		res.useDissect(cfg, pp)
	}
	res.declarations(p.decls)
	if len(r.errs) > 0 {
		return nil, r.errs.sorted()
	}
	if p.dissect {
		res.definitions()
	} else {
		res.constants(pp, p.types)
	}
	if len(r.errs) > 0 {
		return nil, r.errs.sorted()
	}
	m.adopt()
	m.Warnings = r.warnings
	return m, nil
}

// sourceFile returns a file of the Config as one to read.
func sourceFile(s Source) *file {
	return &file{
		text:  newText(s.Text),
		name:  s.Name,
		main:  true,
		where: location{newDirectory(s.Dir, -1), s.Path},
	}
}

// adopt adds the structs of our prelude that others have as members.
func (m *Model) adopt() {
	have := map[*Struct]bool{}
	for _, s := range m.Structs {
		have[s] = true
	}
	for i := 0; i < len(m.Structs); i++ {
		for _, f := range m.Structs[i].Fields {
			if s, ok := plainType(elementType(f.Type)).(*Struct); ok && !have[s] {
				have[s] = true
				m.Structs = append(m.Structs, s)
			}
		}
	}
}
