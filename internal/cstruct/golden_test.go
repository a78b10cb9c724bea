package cstruct

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

// The stages that a golden file may show, in the order of the pipeline. A
// file shows those that it has a section for.
var stages = []struct {
	name string
	show func(cfg Config) string
}{
	{"tokens", showTokens},
	{"preprocessed", showPreprocessed},
	{"model", showModel},
	{"errors", showErrors},
	{"warnings", showWarnings},
}

// TestGolden reads testdata/*.txtar. The comment of a file may hold lines of
// options as the command takes them: -D NAME=VALUE, -I DIR, --endian big. Its
// files ending in .h are the input, those in the top directory in order the
// files of the Config; the other sections are what the stages make of them.
func TestGolden(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			cfg, err := archiveConfig(a)
			if err != nil {
				t.Fatal(err)
			}
			shown := 0
			for i, f := range a.Files {
				for _, s := range stages {
					if s.name != f.Name {
						continue
					}
					shown++
					got := s.show(cfg)
					if *update {
						a.Files[i].Data = []byte(got)
					} else if got != string(f.Data) {
						t.Errorf("%s:\n%s\nwant:\n%s", s.name, got, f.Data)
					}
				}
			}
			if shown == 0 {
				t.Fatal("no stage is shown")
			}
			if *update {
				if err := os.WriteFile(name, txtar.Format(a), 0o666); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// archiveConfig returns what the headers and options of an archive say.
func archiveConfig(a *txtar.Archive) (cfg Config, err error) {
	files := fstest.MapFS{}
	for _, f := range a.Files {
		if strings.HasSuffix(f.Name, ".h") {
			files[f.Name] = &fstest.MapFile{Data: f.Data}
		}
	}
	for _, f := range a.Files {
		if strings.HasSuffix(f.Name, ".h") && !strings.Contains(f.Name, "/") {
			cfg.Files = append(cfg.Files, Source{Name: f.Name, Text: f.Data, Dir: Dir{FS: files}, Path: f.Name})
		}
	}
	for line := range strings.Lines(string(a.Comment)) {
		option, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch option {
		case "-D":
			cfg.Defines = append(cfg.Defines, value)
		case "-I":
			sub, err := fs.Sub(files, value)
			if err != nil {
				return cfg, err
			}
			cfg.Include = append(cfg.Include, Dir{value, sub})
		case "--endian":
			if value == "big" {
				cfg.Order = BigEndian
			}
		default:
			if strings.HasPrefix(option, "-") {
				return cfg, fmt.Errorf("unknown option %q", option)
			}
		}
	}
	if len(cfg.Files) == 0 {
		return cfg, fmt.Errorf("no header")
	}
	return cfg, nil
}

// showTokens lists the tokens of the first file before any directive.
func showTokens(cfg Config) string {
	var b strings.Builder
	r := newReporter()
	f := &file{text: newText(cfg.Files[0].Text), name: cfg.Files[0].Name}
	r.add(f)
	l := newLexer(f, r.errorf)
	kinds := map[tokenKind]string{tIdent: "name", tNumber: "number", tChar: "char", tString: "string", tPunct: "punct", tOther: "other"}
	for t := l.next(); t.kind != tEOF; t = l.next() {
		p := r.position(t.pos)
		fmt.Fprintf(&b, "%d:%d %s %s\n", p.Line, p.Col, kinds[t.kind], t.text)
	}
	for _, c := range f.comments {
		p := r.position(f.base + pos(c.start))
		fmt.Fprintf(&b, "%d:%d comment %q\n", p.Line, p.Col, f.text.text[c.start:c.end])
	}
	return b.String() + Format(r.errs.sorted())
}

// preprocess returns the tokens of cfg's files, without our own.
func preprocess(cfg Config) ([]token, *reporter) {
	r := newReporter()
	pp := newPreprocessor(cfg, r)
	pp.start()
	var toks []token
	for _, s := range cfg.Files {
		toks = pp.run(sourceFile(s), toks)
	}
	return toks, r
}

// showPreprocessed prints the tokens that the parser sees, a line for each
// line that they stand on.
func showPreprocessed(cfg Config) string {
	toks, r := preprocess(cfg)
	var b strings.Builder
	last := Pos{}
	pragma := false
	for _, t := range toks {
		p := r.position(t.pos)
		switch {
		case t.kind == tPragma:
			if last.Line != 0 {
				b.WriteByte('\n')
			}
			b.WriteString("#pragma")
			last, pragma = p, true
			continue
		case t.kind == tNewline:
			b.WriteByte('\n')
			last, pragma = Pos{}, false
			continue
		case !pragma && last.Line != 0 && (p.Line != last.Line || p.File != last.File):
			b.WriteByte('\n')
		case last.Line != 0 && t.flags&(fSpace|fBOL) != 0:
			b.WriteByte(' ')
		}
		b.WriteString(t.text)
		last = p
	}
	if last.Line != 0 {
		b.WriteByte('\n')
	}
	return b.String() + Format(r.errs.sorted())
}

func showErrors(cfg Config) string {
	_, err := Parse(cfg)
	if err == nil {
		return "none\n"
	}
	return Format(err)
}

func showWarnings(cfg Config) string {
	m, err := Parse(cfg)
	if err != nil {
		return Format(err)
	}
	var b strings.Builder
	for _, w := range m.Warnings {
		b.WriteString(Format(w))
	}
	return b.String()
}

// showModel prints a model: what is declared in files that are not the
// Config's is marked.
func showModel(cfg Config) string {
	m, err := Parse(cfg)
	if err != nil {
		return Format(err)
	}
	var b strings.Builder
	head := func(d Decl, format string, args ...any) {
		doc(&b, "", d.Doc)
		fmt.Fprintf(&b, format, args...)
		if !d.Main {
			fmt.Fprintf(&b, " (from %s)", path.Base(d.Pos.File))
		}
		b.WriteByte('\n')
	}
	for _, s := range m.Structs {
		kind := "struct"
		if s.Union {
			kind = "union"
		}
		head(s.Decl, "%s %s: size %d, align %d%s", kind, s.Name, s.Bytes, s.Aligns, orderText(s.Order))
		for _, f := range s.Fields {
			doc(&b, "\t", f.Doc)
			name := f.Name
			if name == "" {
				name = "-"
			}
			at := fmt.Sprint(f.Offset)
			if f.BitField {
				at = fmt.Sprintf("%d+%d", f.BitOffset, f.Bits)
			}
			fmt.Fprintf(&b, "\t%s\t%s %s", at, name, f.Type)
			if f.Order != s.Order {
				fmt.Fprintf(&b, "%s", []string{", little-endian", ", big-endian"}[f.Order])
			}
			b.WriteByte('\n')
		}
	}
	for _, e := range m.Enums {
		flags := ""
		if e.Flags {
			flags = ", flags"
		}
		head(e.Decl, "enum %s: %s%s", e.Name, e.Under, flags)
		for _, v := range e.Values {
			doc(&b, "\t", v.Doc)
			fmt.Fprintf(&b, "\t%s = %s\n", v.Name, v.Value)
		}
	}
	for _, t := range m.Typedefs {
		more := ""
		if t.Aligns != 0 {
			more = fmt.Sprintf(", align %d", t.Aligns)
		}
		if t.Fixed {
			more += []string{", little-endian", ", big-endian"}[t.Order]
		}
		head(t.Decl, "typedef %s: %s%s", t.Name, t.Type, more)
	}
	for _, c := range m.Constants {
		head(c.Decl, "const %s: %s %s // %s", c.Name, c.Type, c.Value.ExactString(), c.Text)
	}
	for _, s := range m.Skipped {
		if s.Main {
			fmt.Fprintf(&b, "skipped %d:%d %s: %s\n", s.Pos.Line, s.Pos.Col, s.Name, s.Reason)
		}
	}
	return b.String()
}

func orderText(o ByteOrder) string {
	if o == BigEndian {
		return ", big-endian"
	}
	return ""
}

func doc(b *strings.Builder, indent, text string) {
	if text != "" {
		for line := range strings.SplitSeq(text, "\n") {
			fmt.Fprintf(b, "%s| %s\n", indent, line)
		}
	}
}

// TestGoldenNames keeps stages from being misspelled, which would leave them
// unchecked.
func TestGoldenNames(t *testing.T) {
	names, _ := filepath.Glob("testdata/*.txtar")
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			known := strings.HasSuffix(f.Name, ".h")
			for _, s := range stages {
				known = known || s.name == f.Name
			}
			if !known {
				t.Errorf("%s: section %s is neither a header nor a stage", name, f.Name)
			}
		}
		if n := slices.IndexFunc(a.Files, func(f txtar.File) bool { return !strings.HasSuffix(f.Name, ".h") }); n < 0 {
			t.Errorf("%s: no stage", name)
		}
	}
}
