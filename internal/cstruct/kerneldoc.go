package cstruct

import (
	"regexp"
	"strings"
)

// A comment above a struct or enum in the kernel's style says what the members
// are, too:
//
//	/**
//	 * struct a - What it is.
//	 * @x: What x is, on
//	 *     several lines.
//	 *
//	 * More of what a is.
//	 */
var (
	kernelTitle  = regexp.MustCompile(`^(?:struct|union|enum|typedef) +(\w+) +-+ +`)
	kernelMember = regexp.MustCompile(`^[ \t]*@(\w+):[ \t]*(.*)$`)
)

// spreadDoc moves what the doc of a type says of its members to those: docs
// has the doc of each by name. A member that has a doc of its own keeps it,
// behind the other.
func (r *reporter) spreadDoc(d *Decl, at pos, name string, docs map[string]*string) {
	lines := strings.Split(d.Doc, "\n")
	if m := kernelTitle.FindStringSubmatch(lines[0]); m != nil && m[1] == name {
		lines[0] = lines[0][len(m[0]):]
	}
	var rest []string
	said := make(map[string][]string)
	of := "" // whose description goes on
	for _, l := range lines {
		switch m := kernelMember.FindStringSubmatch(l); {
		case m != nil && docs[m[1]] != nil:
			of = m[1]
			said[of] = append(said[of], m[2])
		case m == nil && of != "" && strings.TrimSpace(l) != "":
			said[of] = append(said[of], strings.TrimSpace(l))
		default:
			of = ""
			rest = append(rest, l)
		}
	}
	for name, lines := range said {
		doc := docs[name]
		if !r.spend(at, len(*doc)) {
			return
		}
		*doc = joinDoc(append(lines, *doc))
	}
	d.Doc = joinDoc(rest)
}

// hasKernelDoc reports whether spreadDoc has something to do.
func (d *Decl) hasKernelDoc() bool {
	return strings.Contains(d.Doc, "@") || kernelTitle.MatchString(d.Doc)
}

// spreadStructDoc does spreadDoc for the members of s, and those of anonymous
// structs and unions among them.
func (r *reporter) spreadStructDoc(s *Struct, at pos) {
	if !s.hasKernelDoc() {
		return
	}
	docs := make(map[string]*string)
	var gather func(s *Struct)
	gather = func(s *Struct) {
		for _, f := range s.Fields {
			inner, ok := f.Type.(*Struct)
			switch {
			case f.Name != "":
				docs[f.Name] = &f.Doc
			case ok && inner.Anonymous:
				gather(inner)
			}
		}
	}
	gather(s)
	r.spreadDoc(&s.Decl, at, s.Name, docs)
}

// spreadEnumDoc does spreadDoc for the values of e.
func (r *reporter) spreadEnumDoc(e *Enum, at pos) {
	if !e.hasKernelDoc() {
		return
	}
	docs := make(map[string]*string)
	for _, v := range e.Values {
		docs[v.Name] = &v.Doc
	}
	r.spreadDoc(&e.Decl, at, e.Name, docs)
}
