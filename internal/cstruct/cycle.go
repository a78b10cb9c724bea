package cstruct

import (
	"fmt"
	"slices"
	"strings"
)

// cycle says how s, which is incomplete, comes to contain itself: "(a
// contains b at 8:3, b contains a at 12:3)".
func (r *resolver) cycle(s *Struct) string {
	if r.edges == nil {
		r.edges = containment(r.decls, r.dissect != nil)
	}

	if text, ok := r.cycles[s]; ok {
		return text
	}

	// Breadth first from s back to s.
	type step struct {
		edge
		from  int // the step before
		depth int
	}
	visited := map[string]bool{}
	steps := []step{{edge: edge{to: s.Tag}}}
	for i := 0; i < len(steps); i++ {
		for _, e := range r.edges[steps[i].to] {
			next := step{e, i, steps[i].depth + 1}
			if e.to == s.Tag {
				var text []string
				for ; next.depth > 0; next = steps[next.from] {
					p := r.position(next.at)
					text = append(text, fmt.Sprintf("%s contains %s at %d:%d", steps[next.from].to, next.to, p.Line, p.Col))
				}
				slices.Reverse(text)
				r.cycles[s] = " (" + strings.Join(text, ", ") + ")"
				return r.cycles[s]
			}
			if !visited[e.to] && next.depth < 16 {
				visited[e.to] = true
				steps = append(steps, next)
			}
		}
	}
	r.cycles[s] = ""
	return ""
}

// An edge of the graph of structs: one contains the other.
type edge struct {
	to string
	at pos
}

// containment returns what the structs with a tag contain, by tag. It looks
// through arrays, anonymous structs and typedefs, and not through pointers.
func containment(decls []decl, tagged bool) map[string][]edge {
	edges := map[string][]edge{}
	alias := map[string]string{} // of typedefs, the tag
	direct := func(d *declarator) bool {
		return !slices.ContainsFunc(d.parts, func(p part) bool { return p.kind == partPointer || p.kind == partFunction })
	}
	var walk func(tag string, spec *recordSpec)
	walk = func(tag string, spec *recordSpec) {
		if spec.tag.text != "" {
			tag = spec.tag.text
		}
		for _, m := range spec.members {
			if m.specs == nil {
				continue
			}
			to := alias[m.specs.named.text]
			if inner := m.specs.record; inner != nil {
				if to = inner.tag.text; inner.body {
					walk(tag, inner)
				}
			}
			if to == "" {
				continue
			}
			for _, item := range m.items {
				if direct(item.decl) {
					edges[tag] = append(edges[tag], edge{to, m.first.pos})
				}
			}
		}
	}
	for _, d := range decls {
		n, ok := d.(*nameDecl)
		if !ok || n.specs.record == nil {
			continue
		}
		if n.specs.storage == "typedef" {
			for _, item := range n.items {
				if direct(item) {
					alias[item.name.text] = n.specs.record.tag.text
				}
			}
		}
		if tag := n.specs.record.tag.text; tagged && tag != "" {
			alias[tag] = tag // by itself a type, in dialect dissect
		}
		walk("", n.specs.record)
	}
	return edges
}
