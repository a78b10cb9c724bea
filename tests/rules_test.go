package tests

import (
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A rule is a sentence of what an image means, or must be. It is decided by
// images that keep it, which are compared with QEMU in everything, and by
// images that break it, of which verdicts are compared.
type rule struct {
	name   string // stable: images, tests and commits call it so
	source string // a section of the specification, or a function of QEMU
	says   string

	// images are the sound ones that show it: names in the registry, or
	// patterns of names as path.Match has them.
	images []string
	// differs is what we do with images that break it, or keep it, and QEMU
	// does not.
	differs *difference
	// unbreakable says why no image breaks the rule; then it says what images
	// mean, not what they must be.
	unbreakable string
	// tests show what no single image can.
	tests []func(t *testing.T)
}

// TestRules holds each rule against each image that was altered to keep or to
// break it; without the whole corpus against every third.
func TestRules(t *testing.T) {
	t.Parallel()
	byRule := make(map[string][]alteration)
	for _, a := range alterations() {
		byRule[a.rule] = append(byRule[a.rule], a)
	}
	all := rules()
	for len(all) > 0 {
		area, _, _ := strings.Cut(all[0].name, "/")
		n := 1
		for n < len(all) && strings.HasPrefix(all[n].name, area+"/") {
			n++
		}
		t.Run(area, func(t *testing.T) {
			for _, r := range all[:n] {
				t.Run(strings.TrimPrefix(r.name, area+"/"), func(t *testing.T) {
					for i, a := range byRule[r.name] {
						if wholeCorpus() || i%3 == 0 {
							t.Run(a.name, a.run)
						}
					}
					for _, test := range r.tests {
						test(t)
					}
				})
			}
		})
		all = all[n:]
	}
}

// TestRulesAreShown holds the registries against each other: every rule is
// kept by some image and broken by another, every image shows a rule, and
// where QEMU says something else the rule says so.
func TestRulesAreShown(t *testing.T) {
	type shown struct{ sound, damaged, tests int }
	byRule := make(map[string]*shown)
	differs := make(map[string]*difference)
	all := rules()
	for i, r := range all {
		if area, _, _ := strings.Cut(r.name, "/"); i > 0 && !strings.HasPrefix(all[i-1].name, area+"/") &&
			slices.ContainsFunc(all[:i], func(r rule) bool { return strings.HasPrefix(r.name, area+"/") }) {
			t.Errorf("%s: its area is in two places", r.name)
		}
		if byRule[r.name] != nil || r.says == "" || r.source == "" || strings.Count(r.name, "/") != 1 {
			t.Errorf("%q: twice, or without a sentence or a source, or no AREA/NAME", r.name)
		}
		byRule[r.name] = &shown{tests: len(r.tests)}
		differs[r.name] = r.differs
	}
	images := imageNames()
	used := make(map[string]bool)
	for _, r := range rules() {
		for _, pattern := range r.images {
			n := 0
			for _, name := range images {
				if ok, err := path.Match(pattern, name); err != nil {
					t.Fatal(err)
				} else if ok {
					used[name] = true
					n++
				}
			}
			if n == 0 {
				t.Errorf("%s: no image is called %q", r.name, pattern)
			}
			byRule[r.name].sound += n
		}
	}
	for _, a := range alterations() {
		s := byRule[a.rule]
		switch {
		case s == nil:
			t.Errorf("%s: no rule is called %q", a.name, a.rule)
			continue
		case a.sound():
			s.sound++
		default:
			s.damaged++
		}
		if a.unlike != nil && a.unlike != differs[a.rule] {
			t.Errorf("%s: %s: QEMU differs, and the rule does not say so", a.rule, a.name)
		}
	}
	damages := 0
	for name, list := range damagesOf {
		if byRule[name] == nil {
			t.Errorf("damages: no rule is called %q", name)
			continue
		}
		byRule[name].damaged += len(list())
		damages += len(list())
	}
	for _, r := range rules() {
		s := byRule[r.name]
		if s.sound == 0 && s.tests == 0 {
			t.Errorf("%s: nothing keeps it", r.name)
		}
		if (s.damaged == 0 && s.tests == 0) != (r.unbreakable != "") {
			t.Errorf("%s: %d images break it, unbreakable: %q", r.name, s.damaged, r.unbreakable)
		}
	}
	for _, name := range images {
		if !used[name] {
			t.Errorf("image %s shows no rule", name)
		}
	}
	for _, d := range differences {
		if !slices.ContainsFunc(rules(), func(r rule) bool { return r.differs == d }) {
			t.Errorf("no rule has the difference %q", d.says)
		}
	}
	readmeCounts(t, len(byRule), len(images), len(alterations())+damages)
	t.Logf("%d rules, %d images, %d alterations, %d damages", len(byRule), len(images), len(alterations()), damages)
}

// readmeCounts holds the numbers of the README against those there are.
func readmeCounts(t *testing.T, counts ...int) {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(readme)), " ")
	told := regexp.MustCompile(`more than (\d+) rules, .* more than (\d+) images .* more than (\d+) in which`).FindStringSubmatch(text)
	if told == nil {
		t.Fatal("the README does not tell how many there are")
	}
	for i, count := range counts {
		if n, err := strconv.Atoi(told[i+1]); err != nil || count <= n {
			t.Errorf("more than %s, says the README; there are %d", told[i+1], count)
		}
	}
}

// imageNames are the names of all images that are sound, in all registries:
// committed, combined, special, random, of replays and of histories.
func imageNames() []string {
	var names []string
	for _, r := range slices.Concat(committedRecipes(), specialRecipes(), iotestRecipes(), iotestSources()) {
		names = append(names, r.name)
	}
	for _, c := range combinations() {
		names = append(names, c.String())
	}
	for seed := range uint64(randomImages) {
		r := randomRecipe(seed)
		names = append(names, r.name)
	}
	for seed := range uint64(histories) {
		r := historyRecipe(seed)
		names = append(names, r.name)
	}
	return names
}
