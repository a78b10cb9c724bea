package gen

import (
	"slices"
	"testing"
)

func TestCommentLines(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"one", []string{"one"}},
		{"one\ntwo", []string{"one", "two"}},
		{"\n\none\n\n\ntwo\n\n", []string{"one", "", "two"}},
		{"a\r\nb\rc\vd\fe\u0085f\u2028g\u2029h", []string{"a", "b", "c", "d", "e", "f", "g", "h"}},
		{"tab\there", []string{"tab here"}},
		{"bell\a null\x00 escape\x1b[31m", []string{"bell null escape[31m"}},
		{"\u202eright to left", []string{`\u202eright to left`}},
		{"zero\u200bwidth", []string{`zero\u200bwidth`}},
		{"tag\U000e0001", []string{`tag\U000e0001`}},
		{"broken\xff", []string{`broken\xff`}},
		{"naïve 日本語", []string{"naïve 日本語"}},
	} {
		if got := commentLines(c.in); !slices.Equal(got, c.want) {
			t.Errorf("commentLines(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}
