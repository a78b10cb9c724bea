package gen

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cstructgen/internal/testseed"
)

// The second computation is right: gcc lays random records out as it does. And
// it says something of all of them, in each byte order, as what is generated
// does.
func TestLayoutsAreComputedTwice(t *testing.T) {
	const count = 16 // structs, and as many unions
	text := randomRecords(testseed.Rand(t), count)
	for order := range Both + 1 {
		code, err := generate(text, order)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		records, bitFields := checkLayouts(t, text, []byte(code))
		if records < 2*count || bitFields < count {
			t.Errorf("order %d: %d records and %d bit-fields are computed twice", order, records, bitFields)
		}
	}
	var want strings.Builder
	for _, rec := range readABI(text) {
		fmt.Fprintf(&want, "%s %d %d\n", rec.tag, rec.bytes, rec.align)
		for _, m := range rec.members {
			bits := m.bits
			if bits == 0 {
				bits = m.typ.bytes * 8
			}
			fmt.Fprintf(&want, "%s.%s %d %d\n", rec.tag, m.name, m.at, bits)
		}
	}
	if got := askGCC(t, text); got != want.String() {
		g, w := strings.Split(got, "\n"), strings.Split(want.String(), "\n")
		for i := range min(len(g), len(w)) {
			if g[i] != w[i] {
				t.Fatalf("gcc: %s\nthe second computation: %s\n%s", g[i], w[i], recordOf(text, w[i]))
			}
		}
		t.Fatalf("%d lines, and %d", len(g), len(w))
	}
}

// recordOf returns the line of the text that declares what a line of facts is
// about.
func recordOf(text, fact string) string {
	tag, _, _ := strings.Cut(fact, " ")
	tag, _, _ = strings.Cut(tag, ".")
	for line := range strings.Lines(text) {
		if strings.Contains(line, " "+tag+" {") {
			return line
		}
	}
	return text
}

// askGCC has gcc compile a program that prints sizes and alignments, and which
// bits a member occupies: those that change with it. The members are those that
// the second computation found; of arrays it takes the first element.
func askGCC(t *testing.T, text string) string {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no gcc to compare with")
		}
		t.Skip("no gcc to compare with")
	}
	var b strings.Builder
	b.WriteString(text + `
#include <stdio.h>
#include <string.h>
static void bits(const char *name, const unsigned char *b, int n) {
	int first = -1, last = -1;
	for (int i = 0; i < 8 * n; i++)
		if (b[i / 8] >> i % 8 & 1) { if (first < 0) first = i; last = i; }
	printf("%s %d %d\n", name, first, last - first + 1);
}
`)
	// Each record has a function, which fills members one after the other.
	var calls strings.Builder
	for _, rec := range readABI(text) {
		kind := "struct"
		if rec.union {
			kind = "union"
		}
		fmt.Fprintf(&b, "static void of_%s(void) {\n\tstatic %s %s v;\n\tprintf(\"%s %%zu %%zu\\n\", sizeof v, _Alignof(v));\n", rec.tag, kind, rec.tag, rec.tag)
		for _, m := range rec.members {
			fill := fmt.Sprintf("memset(&v.%s, 255, %d)", m.name, m.typ.bytes)
			if m.bits > 0 {
				fill = fmt.Sprintf("v.%s = -1", m.name)
			}
			fmt.Fprintf(&b, "\tmemset(&v, 0, sizeof v); %s; bits(\"%s.%s\", (unsigned char *)&v, sizeof v);\n", fill, rec.tag, m.name)
		}
		b.WriteString("}\n")
		fmt.Fprintf(&calls, "\tof_%s();\n", rec.tag)
	}
	fmt.Fprintf(&b, "int main(void) {\n%s\treturn 0;\n}\n", &calls)
	program := filepath.Join(t.TempDir(), "program")
	cmd := exec.CommandContext(t.Context(), gcc, "-std=gnu11", "-w", "-O0", "-x", "c", "-", "-o", program)
	cmd.Stdin = strings.NewReader(b.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, text)
	}
	var out bytes.Buffer
	cmd = exec.CommandContext(t.Context(), program)
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
