package main

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
)

func TestHumanSize(t *testing.T) {
	for _, tt := range []struct {
		n    uint64
		want string
	}{
		{0, "0 B"}, {1, "1 B"}, {999, "999 B"}, {1000, "0.977 KiB"}, {1024, "1 KiB"}, {1536, "1.5 KiB"},
		{25088, "24.5 KiB"}, {1023897, "1e+03 KiB"}, {1024000, "0.977 MiB"}, {10485760, "10 MiB"},
		{1974272, "1.88 MiB"}, {1 << 40, "1 TiB"}, {1 << 62, "4 EiB"}, {1<<64 - 1, "16 EiB"},
	} {
		if got := humanSize(tt.n); got != tt.want {
			t.Errorf("%d: %q, want %q", tt.n, got, tt.want)
		}
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int64{
		"0": 0, "512": 512, "7b": 7, "4k": 4096, "4K": 4096, "2M": 2 << 20, "3G": 3 << 30, "1T": 1 << 40, "1p": 1 << 50, "7E": 7 << 60,
		"9223372036854775807": 1<<63 - 1,
	} {
		if got, err := parseSize(s); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "k", "-1", "+1", "1.5k", "0x10", "1kk", "8E", "9223372036854775808", "1 k", "4\x0b"} {
		if n, err := parseSize(s); err == nil {
			t.Errorf("%q: %d", s, n)
		}
	}
}

// Text in an image is hostile: it must not command a terminal.
func TestHostileStrings(t *testing.T) {
	v := object{{"a-key", "\x1b[2J"}, {"plain", "Grüße 🙂"}, {"list", list{"x\ny", object{{"n", uint64(1)}}}}, {"none", list{}}, {"bad", "\xff"}, {"quote", `"\`}}
	var human, json bytes.Buffer
	writeHuman(&human, v, "  ")
	w := bufio.NewWriter(&json)
	writeJSON(w, v)
	w.Flush()
	wantHuman := `  a key: "\x1b[2J"
  plain: Grüße 🙂
  list:
      [0]: "x\ny"
      [1]:
          n: 1
  none:
  bad: "\xff"
  quote: "\
`
	wantJSON := `{
    "a-key": "\u001B[2J",
    "plain": "Gr\u00FC\u00DFe \uD83D\uDE42",
    "list": [
        "x\ny",
        {
            "n": 1
        }
    ],
    "none": [
    ],
    "bad": "\uFFFD",
    "quote": "\"\\"
}
`
	if human.String() != wantHuman {
		t.Errorf("for people:\n%s\nwant:\n%s", human.String(), wantHuman)
	}
	if json.String() != wantJSON {
		t.Errorf("JSON:\n%s\nwant:\n%s", json.String(), wantJSON)
	}
	if got := oneLine("a\nb\x1b[2J\u202e"); strings.ContainsAny(got, "\n\x1b\u202e") {
		t.Errorf("an error message is printed as %q", got)
	}
}

// What is not UTF-8, as qemu-img 7.2 prints it.
func TestWriteQuoted(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"caf\u00e9 \U0001f600", `caf\u00E9 \uD83D\uDE00`},
		{"\xc3(", `\uFFFD(`},
		{"\xe2\x82", `\uFFFD`},
		{"\xe2\x82a", `\uFFFDa`},
		{"\xf0\x9f\x98", `\uFFFD`},
		{"\xf0\x9fa\xe2", `\uFFFDa\uFFFD`},
		{"\xed\xa0\xbd\xed\xb8\x80", `\uFFFD\uFFFD`},
		{"\xc0\x80x", `\u0000x`},
		{"\xc1\x80x", `\uFFFDx`},
		{"\xf8\x88\x80\x80\x80", `\uFFFD`},
		{"\xfd\xbf\xbf\xbf\xbf\xbf", `\uFFFD`},
		{"\xff\xfe\x80", `\uFFFD\uFFFD\uFFFD`},
		{"\uffff\ufffe\ufdd0\U0010ffff", `\uFFFD\uFFFD\uFFFD\uFFFD`},
		{"\xf4\x90\x80\x80", `\uFFFD`},
		{"\xf0\x8f\xbf\xbf", `\uFFFD`},
		{"\x7f\x1b\"\\/\b\f\n\r\t", `\u007F\u001B\"\\/\b\f\n\r\t`},
	} {
		var got strings.Builder
		w := bufio.NewWriter(&got)
		writeQuoted(w, tt.text)
		w.Flush()
		if got.String() != `"`+tt.want+`"` {
			t.Errorf("%q: %s, want %q", tt.text, &got, tt.want)
		}
	}
}
