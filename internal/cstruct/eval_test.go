package cstruct

import (
	"fmt"
	"go/constant"
	"strings"
	"testing"
)

// What the expressions of the tables below name.
const evalDeclarations = `
struct s { char a; int b : 5; long c[3]; struct { short d; }; unsigned u : 32; };
enum e { E1 = 1, E2 = 0x80000000, E3 };
typedef unsigned short word;
extern struct s object, *pointer;
extern int array[7];
int function(void);
double real(void);
`

// evaluate returns type and value of a macro with the expression.
func evaluateMacro(x string) (string, error) {
	text := evalDeclarations + "#define RESULT " + x + "\n"
	m, err := Parse(Config{Files: []Source{{Name: "main.h", Text: []byte(text)}}})
	if err != nil {
		return "", err
	}
	for _, c := range m.Constants {
		if c.Name == "RESULT" {
			v := c.Value.ExactString()
			if c.Value.Kind() == constant.Float {
				v = c.Value.String()
			}
			return fmt.Sprintf("%s %s", c.Type, v), nil
		}
	}
	for _, s := range m.Skipped {
		if s.Name == "RESULT" {
			return "skipped: " + s.Reason, nil
		}
	}
	return "nothing", nil
}

// TestExpressions has macros and what becomes of them.
func TestExpressions(t *testing.T) {
	for _, c := range []struct{ x, want string }{
		// Integer constants take the first type that holds them (C 6.4.4.1).
		{"0", "int 0"},
		{"2147483647", "int 2147483647"},
		{"2147483648", "long 2147483648"},
		{"0x80000000", "unsigned int 2147483648"},
		{"020000000000", "unsigned int 2147483648"},
		{"0x8000000000000000", "unsigned long 9223372036854775808"},
		{"9223372036854775808", "__int128 9223372036854775808"},
		{"0xffffffffffffffffull", "unsigned long long 18446744073709551615"},
		{"1u", "unsigned int 1"}, {"1LU", "unsigned long 1"}, {"1llU", "unsigned long long 1"}, {"1uLL", "unsigned long long 1"},
		{"4294967296U", "unsigned long 4294967296"},
		{"0b1011", "int 11"}, {"0B1", "int 1"}, {"1'234'567", "int 1234567"}, {"0x1'f", "int 31"}, {"00", "int 0"},
		{"1lul", `skipped: malformed number "1lul"`}, {"1lL", `skipped: malformed number "1lL"`},
		{"08", `skipped: invalid digit '8' in "08"`}, {"0b12", `skipped: invalid digit '2' in "0b12"`},
		{"0x", `skipped: number "0x" without digits`}, {"0b", `skipped: number "0b" without digits`},
		{"99999999999999999999", "long 7766279631452241919"},
		{"0x1ffffffffffffffff", "unsigned long 18446744073709551615"},
		{"1x", `skipped: malformed number "1x"`}, {"1.2.3", `skipped: malformed number "1.2.3"`},

		// Character constants.
		{"'a'", "int 97"}, {`'\n'`, "int 10"}, {`'\0'`, "int 0"}, {`'\377'`, "int -1"}, {`'\xff'`, "int -1"}, {`'\e'`, "int 27"},
		{"'ab'", "int 24930"}, {"'abcde'", "int 1650680933"}, {`'\u00e9'`, "int 50089"},
		{`L'\xffffffff'`, "int -1"}, {"L'é'", "int 233"}, {"u'x'", "unsigned short 120"}, {"U'x'", "unsigned int 120"}, {"u8'x'", "unsigned char 120"},
		{"''", "skipped: empty character constant"}, {`'\q'`, "int 113"},
		{`'\x'`, `skipped: malformed escape sequence in "'\x'"`}, {`'\400'`, `skipped: escape sequence out of range in "'\400'"`},

		// Strings.
		{`"a" "b"`, `char "ab"`}, {`("a")`, `char "a"`}, {`"\x41g\101\0"`, `char "AgA\x00"`}, {`"é\u00e9\U0001F600"`, `char "éé😀"`},
		{`L"a\u20ac" "b"`, `int "a€b"`}, {`u"a"`, `unsigned short "a"`}, {`U"\xffffffff"`, "skipped: not a constant: string of wide characters that are no text"}, {`u"a" U"b"`, "skipped: string literals with different prefixes"},
		{`sizeof "abc"`, "unsigned long 4"}, {`sizeof L"abc"`, "unsigned long 16"}, {`sizeof(u"a" "b")`, "unsigned long 6"},
		{`"abc"[1]`, "skipped: not a constant: data"}, {`"a" + 1`, "skipped: not a constant"},

		// Floating constants.
		{"1.", "double 1"}, {".5", "double 0.5"}, {"1e2", "double 100"}, {"1.5f", "float 1.5"}, {"2.5L", "long double 2.5"},
		{"0.1f", "float 0.1"}, {"0x1.8p1", "double 3"}, {"0x.8p0f", "float 0.5"}, {"1e400", "skipped: not a constant: floating number out of the range of double"},
		{"1e400L", "long double 1e+400"}, {"0x1.8", `skipped: hexadecimal floating constant "0x1.8" without an exponent`},
		{"1e", `skipped: malformed number "1e"`}, {"1.0x", `skipped: malformed number "1.0x"`}, {"1.0i", "skipped: not a constant: imaginary constant"},
		{"1.0DF", "skipped: not a constant: decimal floating constant"},
		{"1.0 / 3", "double 0.333333"}, {"1.0f / 3 == 1.0 / 3", "int 0"}, {"1 / 0.", "skipped: not a constant: division by zero"},
		{"1.5 % 2", `skipped: operands of "%" are no integers`}, {"1.5 << 2", `skipped: operands of "<<" are no integers`}, {"~1.5", `skipped: operand of "~" is no integer`},
		{"-1.5", "double -1.5"}, {"!0.0", "int 1"}, {"(int)-1.9", "int -1"}, {"(unsigned char)300.5", "unsigned char 255"}, {"(_Bool)0.5", "_Bool 1"},

		// Division truncates toward zero; unsigned arithmetic wraps.
		{"-7 / 2", "int -3"}, {"-7 % 2", "int -1"}, {"7 / -2", "int -3"}, {"7 % -2", "int 1"}, {"-7 / 2u", "unsigned int 2147483644"},
		{"0u - 1", "unsigned int 4294967295"}, {"~0ul", "unsigned long 18446744073709551615"}, {"~0", "int -1"}, {"-1u", "unsigned int 4294967295"},
		{"4294967295u + 1", "unsigned int 0"}, {"4294967295u * 4294967295u", "unsigned int 1"},
		{"1 / 0", "skipped: division by zero"}, {"1 % 0", "skipped: division by zero"}, {"0 && 1 / 0", "int 0"}, {"1 || 1 / 0", "int 1"}, {"1 ? 2 : 1 / 0", "int 2"},

		// Signed arithmetic that does not fit wraps as gcc wraps it.
		{"2147483647 + 1", "int -2147483648"}, {"-2147483647 - 2", "int 2147483647"}, {"(-2147483647 - 1) / -1", "int -2147483648"}, {"- (-2147483647 - 1)", "int -2147483648"},
		{"65536 * 65536", "int 0"}, {"1 << 31", "int -2147483648"}, {"3 << 31", "int -2147483648"},

		// Shifts as far as the type is wide are exact in a macro.
		{"1 << 32", "long 4294967296"}, {"1 << 63", "unsigned long 9223372036854775808"}, {"(1 << 63) - 1", "unsigned long 9223372036854775807"},
		{"3 << 63", "__int128 27670116110564327424"}, {"-1 << 40", "long -1099511627776"}, {"1u << 40", "long 1099511627776"},
		{"1L << 63", "long -9223372036854775808"}, {"1UL << 63", "unsigned long 9223372036854775808"},
		{"1 << 64", "skipped: shift of int by 64"}, {"1 << -1", "skipped: shift of int by -1"}, {"1 >> 64", "skipped: shift of int by 64"},
		{"(__int128)1 << 100", "__int128 1267650600228229401496703205376"}, {"(__int128)1 << 128", "skipped: shift of __int128 by 128"},
		{"1 >> 40", "int 0"}, {"-1 >> 40", "int -1"}, {"-8 >> 1", "int -4"}, {"0xffffffff >> 4", "unsigned int 268435455"}, {"0 ? 1 << 64 : 5", "int 5"},

		// The usual arithmetic conversions (C 6.3.1.8).
		{"-1 < 0u", "int 0"}, {"-1 < 0l", "int 1"}, {"-1L < 0u", "int 1"}, {"1 ? -1 : 0u", "unsigned int 4294967295"},
		{"'a' + (char)1", "int 98"}, {"(short)1 + (short)1", "int 2"}, {"(unsigned char)1 - 2", "int -1"}, {"1 + 1.0f", "float 2"}, {"1.0f + 1.0", "double 2"},
		{"1ll + 1ul", "unsigned long long 2"}, {"1l + 1ll", "long long 2"}, {"(_Bool)2 + (_Bool)2", "int 2"}, {"+(char)5", "int 5"},
		{"1 ?: 2", "int 1"}, {"0 ?: 2u", "unsigned int 2"}, {"(1, 2)", "int 2"}, {"3 > 2 > 1", "int 0"}, {"1 < 2 == 1", "int 1"}, {"!5", "int 0"},
		{"1 + 2 * 3 << 1 & 12 | 1 ^ 3", "int 14"}, {"2 == 2 != 0 && 3 || 0", "int 1"},

		// Casts.
		{"(char)200", "char -56"}, {"(unsigned char)-1", "unsigned char 255"}, {"(_Bool)7", "_Bool 1"}, {"(word)-1", "unsigned short 65535"}, {"(enum e)-1", "unsigned int 4294967295"},
		{"(long)(int)0x80000000", "long -2147483648"}, {"(unsigned long)-1", "unsigned long 18446744073709551615"}, {"(void *)0", "skipped: no number: void *"},
		{"(struct s)1", "skipped: not a constant: a cast to struct s"}, {"(void)0", "skipped: not a constant: a void expression"},
		{"(int)(long)&((struct s *)0)->c", "int 8"}, {"(unsigned long)((char *)16 + 1)", "unsigned long 17"}, {"(long)((int *)16 - (int *)8)", "long 2"},

		// Enumerators are ints where they fit.
		{"E1", "int 1"}, {"E2", "unsigned int 2147483648"}, {"E3 + 0", "unsigned int 2147483649"}, {"sizeof(E1)", "unsigned long 4"},

		// sizeof, _Alignof, offsetof.
		{"sizeof(int)", "unsigned long 4"}, {"sizeof 1ll", "unsigned long 8"}, {"sizeof(struct s)", "unsigned long 40"}, {"sizeof object.c", "unsigned long 24"},
		{"sizeof(pointer->c[0])", "unsigned long 8"}, {"sizeof pointer", "unsigned long 8"}, {"sizeof *pointer", "unsigned long 40"}, {"sizeof array / sizeof *array", "unsigned long 7"},
		{"sizeof(char[3][5])", "unsigned long 15"}, {"sizeof(int (*)[3])", "unsigned long 8"}, {"sizeof(void)", "unsigned long 1"}, {"sizeof(1 / 0)", "unsigned long 4"},
		{"sizeof(('a'))", "unsigned long 4"}, {"sizeof function()", "unsigned long 4"}, {"sizeof real()", "unsigned long 8"}, {"sizeof(&array)", "unsigned long 8"}, {"sizeof array[1]", "unsigned long 4"},
		{"sizeof((char)1 + (char)1)", "unsigned long 4"}, {"sizeof(object.u + 0)", "unsigned long 4"}, {"sizeof object.b", "skipped: size of a bit-field"},
		{"_Alignof(struct s)", "unsigned long 8"}, {"__alignof__(long double)", "unsigned long 16"}, {"sizeof(struct nowhere)", "skipped: operand of sizeof: struct nowhere has incomplete type"},
		{"__builtin_offsetof(struct s, c[2])", "unsigned long 24"}, {"__builtin_offsetof(struct s, d)", "unsigned long 32"}, {"__builtin_offsetof(struct s, b)", "skipped: offset of a bit-field"},
		{"__builtin_offsetof(struct s, z)", `skipped: struct s has no member "z"`}, {"__builtin_offsetof(int, z)", `skipped: "z" of what is no struct`},
		{"(unsigned long)&((struct s *)0)->c[1]", "unsigned long 16"}, {"sizeof(struct s){0}", "unsigned long 40"}, {"sizeof(typeof(1 + 1ll))", "unsigned long 8"},
		{"__builtin_types_compatible_p(word, unsigned short)", "int 1"}, {"__builtin_types_compatible_p(int *, long *)", "int 0"},
		{"__builtin_choose_expr(1, 2, 1/0)", "int 2"}, {"__builtin_constant_p(5)", "int 1"}, {"__builtin_constant_p(object)", "int 0"},
		{"__builtin_bswap16(0x1234)", "unsigned short 13330"}, {"__builtin_bswap64(1)", "unsigned long 72057594037927936"}, {"__builtin_expect(3, 1)", "long 3"},

		// What is no constant.
		{"object", `skipped: not a constant: "object" is no constant`}, {"array[1]", `skipped: not a constant: "array" is no constant`}, {"function()", "skipped: not a constant: a function call"},
		{"object.a", `skipped: not a constant: "object" is no constant`}, {"1 + function()", "skipped: not a constant: a function call"}, {"object.a = 1", "skipped: not a constant: an assignment"}, {"array++", "skipped: not a constant: an assignment"},
		{"nothing", `skipped: "nothing" is not declared`}, {"word", "skipped: names a type"}, {"(word)", `skipped: no expression: expected an expression, found end of file`},
		{"({ 1; })", "skipped: not a constant: a statement expression"}, {"(struct s){ 1 }", "skipped: not a constant: a compound literal"}, {"_Generic(1, long: 2)", "skipped: _Generic has no association for int"},
		{"&object", `skipped: not a constant: "object" is no constant`}, {"*pointer", `skipped: not a constant: "pointer" is no constant`}, {"object + 1", `skipped: operands of "+" are no numbers`}, {"-object", `skipped: operand of "-" is no number`},
		{"*1", `skipped: operand of "*" is no pointer`}, {"1[2]", "skipped: subscript of what is no array"}, {"1->a", `skipped: operand of "->" is no pointer to a struct`},
		{"1 2", `skipped: no expression: unexpected "2" in an expression`}, {"(1", `skipped: no expression: expected ")", found end of file`}, {"1 +", "skipped: no expression: expected an expression, found end of file"},
	} {
		got, err := evaluateMacro(c.x)
		if err != nil {
			t.Errorf("%s: %v", c.x, err)
		} else if got != c.want {
			t.Errorf("%s: %s, want %s", c.x, got, c.want)
		}
	}
}

// TestNeededExpressions has the same where C needs a constant: what was a
// reason to skip is an error, and a shift that is too far is not exact.
func TestNeededExpressions(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"enum { A = 1 << 63, B = sizeof(char[A + 1]) };", ""},
		{"enum { A = 1 << 40 }; int x[A ? -1 : 1];", ""},
		{"int x[1 / 0];", "main.h:1:9: division by zero"},
		{"int x[1 << 64];", "main.h:1:9: shift of int by 64"},
		{"int x[y];", `main.h:1:7: "y" is not declared`},
		{"extern int y; int x[y];", `main.h:1:21: not a constant: "y" is no constant`},
		{"int x[1.5];", "main.h:1:7: not an integer constant"},
		{"int x[(int)1.5];", ""},
		{`int x["a"];`, "main.h:1:7: not an integer constant"},
		{"int x[(void *)1];", "main.h:1:7: not an integer constant"},
		{"int x[-1];", "main.h:1:7: array of negative length -1"},
		{"int x[0x7fffffffffffffff];", "main.h:1:7: array of 9223372036854775807 elements is too large"},
		{"int x[0xffffffffffffffff];", "main.h:1:7: array of 18446744073709551615 elements is too large"},
		{"struct s { char x[1ull << 61], y[1ull << 61], z[1ull << 61]; };", "main.h:1:1: struct s is too large"},
		{"struct s { int x : 1 / 0; };", "main.h:1:22: division by zero"},
		{"enum { A = 2147483647, B };", `main.h:1:24: value 2147483648 of "B" does not fit int, the type of the one before`},
		{"enum { A = 0xffffffffffffffff, B };", `main.h:1:32: value 18446744073709551616 of "B" does not fit unsigned long, the type of the one before`},
		{"enum { A = -1, B = 0xffffffffffffffff };", "main.h:1:1: the values of enum <anonymous at 1:1> exceed all integer types"},
		{"enum { A = (__int128)1 << 100 };", `main.h:1:8: value 1267650600228229401496703205376 of "A" is too large`},
	} {
		_, err := parseText(c.text + "\n")
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}

// TestWarnings has values that gcc would change silently or with a warning.
func TestWarnings(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"enum { A = 2147483647 + 1 };", "main.h:1:23: integer overflow: 2147483648 does not fit int and becomes -2147483648"},
		{"enum { A = 1 << 40 };", "main.h:1:14: shift of int by 40"},
		{"#define A (1 << 31)\n", "main.h:1:14: integer overflow: 2147483648 does not fit int and becomes -2147483648"},
		{"#define A (1 << 40)\n", ""},
		{"enum { A = 1 ? 1 : 2147483647 + 1 };", ""},
		{"enum { A = 0u - 1 > 5 };", ""},
		{"int x __packed; int __packed;", `main.h:1:7: expected ";"`},
		{"#warning look\n", "main.h:1:1: #warning look"},
	} {
		m, err := parseText(c.text + "\n")
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			for _, w := range m.Warnings {
				got += w.Error()
			}
		}
		if got != c.want && (c.want == "" || !strings.HasPrefix(got, c.want)) {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}
