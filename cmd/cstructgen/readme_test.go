package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// What the README of defs shows of its example is what the commands print; of
// the JSON but for spaces and line ends.
func TestReadmeOfDefinitions(t *testing.T) {
	const name = "../../defs/README.md"
	text := read(t, name)
	block := func(lang string) string {
		m := regexp.MustCompile("(?s)\n```" + lang + "\n(.*?)```\n").FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("%s has no block of %s", name, lang)
		}
		return m[1]
	}
	compact := func(s string) string {
		var b bytes.Buffer
		if err := json.Compact(&b, []byte(s)); err != nil {
			t.Fatalf("%v in\n%s", err, s)
		}
		return b.String()
	}
	inDir(t, map[string]string{
		"example.h": block("c"),
		"data":      "EXMP" + "\x00\x00\x00\x04" + "\x00\x00\x00\x41" + "\x30" + "hello\x00\x00" + "\x00\x01\x00\x02",
	})
	for _, shown := range []struct{ command, lang string }{
		{"layout --json --endian big example.h", "json"},
		{"layout --endian big example.h", "text"},
		{"dump --type ex_record --endian big example.h data", "text"},
	} {
		command, lang := shown.command, shown.lang
		_, rest, found := strings.Cut(text, "`cstructgen "+command+"`")
		if !found {
			t.Fatalf("%s does not show %q", name, command)
		}
		text = rest
		r := call(strings.Fields(command)...)
		if r.code != 0 || r.stderr != "" {
			t.Fatalf("%s: %+v", command, r)
		}
		got, want := block(lang), r.stdout
		if lang == "json" {
			got, want = compact(got), compact(want)
		}
		if got != want {
			t.Errorf("%s shows\n%s\nbut %s prints\n%s", name, got, command, r.stdout)
		}
	}
}
