package gen

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// commentLines makes the lines of a Go comment from C text: split at
// everything that any reader may take for the end of a line, with control
// characters dropped and what hides or reorders text escaped. No line has
// anything that ends a comment.
func commentLines(text string) []string {
	var out []string
	blank := false
	for line := range strings.SplitSeq(normalEnds(text), "\n") {
		line = undirected(strings.TrimRight(visible(line), " "))
		if line == "" {
			blank = len(out) > 0
			continue
		}
		if blank {
			out = append(out, "")
			blank = false
		}
		out = append(out, line)
	}
	return out
}

// undirected returns a line of a comment that is no directive: of those that
// Go still knows, one alone may stand behind a space.
func undirected(line string) string {
	if strings.HasPrefix(strings.TrimLeft(line, " "), "+build") {
		return strings.Replace(line, "+", `\+`, 1)
	}
	return line
}

// normalEnds replaces every line terminator by a newline.
func normalEnds(s string) string { return lineEnds.Replace(s) }

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

// visible returns s with what cannot be seen made visible or dropped.
func visible(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\t':
			b.WriteByte(' ')
		case unicode.Is(unicode.Cc, r):
		case r != ' ' && !unicode.IsPrint(r):
			// Bidirectional and zero-width controls among others.
			if r > 0xffff {
				fmt.Fprintf(&b, `\U%08x`, r)
			} else {
				fmt.Fprintf(&b, `\u%04x`, r)
			}
		default:
			b.WriteRune(r)
		}
		i += n
	}
	return b.String()
}

// oneLine returns C text as the rest of a line, no longer than max runes.
func oneLine(text string, max int) string {
	s := undirected(strings.Join(strings.Fields(visible(strings.ReplaceAll(normalEnds(text), "\n", " "))), " "))
	if r := []rune(s); len(r) > max {
		return string(r[:max]) + "..."
	}
	return s
}
