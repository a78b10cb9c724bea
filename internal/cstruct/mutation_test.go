package cstruct

import (
	"flag"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"cstructgen/internal/testseed"
)

var mutations = flag.Int("mutations", 1500, "texts that TestMutations tries")

// TestMutations drops, repeats, swaps and replaces tokens of the golden
// headers. Whatever comes out ends in an error or in a model that holds
// together. It reaches further into the parser than bytes do.
func TestMutations(t *testing.T) {
	r := testseed.Rand(t)
	texts := goldenWords(t)
	all := slices.Concat(texts...)
	models := 0
	for range *mutations {
		words := slices.Clone(texts[r.IntN(len(texts))])
		if n := 30 + r.IntN(60); len(words) > n {
			i := r.IntN(len(words) - n)
			words = words[i : i+n]
		}
		for range 1 + r.IntN(4) {
			i, j := r.IntN(len(words)), r.IntN(len(words))
			other := all[r.IntN(len(all))]
			switch r.IntN(4) {
			case 0:
				words = slices.Delete(words, i, min(i+1, len(words)-1))
			case 1:
				words[i] = other
			case 2:
				words = slices.Insert(words, i, other)
			case 3:
				words[i], words[j] = words[j], words[i]
			}
		}
		text := strings.Join(words, " ")
		m, err := Parse(fuzzConfig(text, ByteOrder(r.IntN(2))))
		if err != nil {
			checkErrors(t, err)
		} else {
			models++
			checkModel(t, m)
		}
		if t.Failed() {
			t.Fatalf("the text was\n%s", text)
		}
	}
	if models == 0 {
		t.Error("no text was good")
	}
}

// goldenWords returns the tokens of the golden headers, those that begin a line
// with the line end before them.
func goldenWords(t *testing.T) (texts [][]string) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if !strings.HasSuffix(f.Name, ".h") {
				continue
			}
			l := newLexer(&file{text: newText(f.Data)}, func(pos, string, ...any) {})
			l.raw = true
			var words []string
			for t := l.next(); t.kind != tEOF; t = l.next() {
				word := t.text
				if t.flags&fBOL != 0 {
					word = "\n" + word
				}
				words = append(words, word)
			}
			texts = append(texts, words)
		}
	}
	return texts
}
