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

	// Breadth first from s back to s.
	type step struct {
		tag  string
		text []string
	}
	visited := map[string]bool{}
	queue := []step{{tag: s.Tag}}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, e := range r.edges[at.tag] {
			p := r.position(e.at)
			text := append(at.text[:len(at.text):len(at.text)],
				fmt.Sprintf("%s contains %s at %d:%d", at.tag, e.to, p.Line, p.Col))
			if e.to == s.Tag {
				return " (" + strings.Join(text, ", ") + ")"
			}
			if !visited[e.to] && len(text) < 16 {
				visited[e.to] = true
				queue = append(queue, step{e.to, text})
			}
		}
	}
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
		return !slices.ContainsFunc(d.parts, func(p part) bool { return p.kind != partArray })
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
