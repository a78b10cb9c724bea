package cstruct

import (
	"os"
	"testing"
)

// BenchmarkParse reads an empty file, for what every run costs, and a format.
func BenchmarkParse(b *testing.B) {
	qcow2, err := os.ReadFile("../../defs/qcow2.h")
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		text []byte
	}{{"empty", nil}, {"qcow2", qcow2}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(Config{Files: []Source{{Name: "x.h", Text: c.text}}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
