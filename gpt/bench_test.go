package gpt

import "testing"

func BenchmarkRead(b *testing.B) {
	for _, bb := range []struct {
		name string
		disk *blank
	}{{"GPT", example(b, 512)}, {"MBR", logicalExample()}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := bb.disk.read(nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
