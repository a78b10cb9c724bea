package cstruct

import (
	"go/constant"
	"slices"
	"strings"
)

// The operators of #if that are no macros, although defined says they are.
var operators = []string{
	"defined", "__has_include", "__has_include_next", "__has_attribute",
	"__has_cpp_attribute", "__has_c_attribute", "__has_builtin",
}

func isOperator(name string) bool {
	return (name[0] == 'd' || name[0] == '_') && slices.Contains(operators, name)
}

// defined reports whether #ifdef takes the name for a macro.
func (pp *preprocessor) defined(name string) bool {
	return pp.macros[name] != nil || name != "defined" && isOperator(name)
}

// evaluate reports whether the expression of the #if or #elif line is not 0
// (C 6.10.1).
func (pp *preprocessor) evaluate(name token, line []token) bool {
	pp.condition = true
	toks := pp.expandAll(line)
	pp.condition = false
	if pp.stopped {
		return false
	}
	n := len(line)
	if n == 0 {
		pp.errorf(name.pos, "#%s without an expression", name.text)
		return false
	}
	end := line[n-1].pos + pos(len(line[n-1].text))
	p := newParser(append(slices.Clip(toks), token{kind: tEOF, pos: end}), pp.reporter)
	x, d := p.expression(true)
	if d == nil {
		var v value
		e := evaluator{reporter: pp.reporter, preprocessing: true}
		if v, d = e.eval(x); d == nil {
			if d = v.need(x); d == nil {
				return constant.Sign(v.v) != 0
			}
		}
	}
	pp.report(d)
	return false
}

// operator carries out an operator of #if, named by t, and returns its value.
func (pp *preprocessor) operator(s *stream, t token) token {
	result := func(v bool) token {
		n := token{kind: tNumber, pos: t.pos, flags: t.flags, text: "0"}
		if v {
			n.text = "1"
		}
		return n
	}
	open := s.next()
	if t.text == "defined" && open.kind == tIdent {
		return result(pp.defined(open.text))
	}
	if !open.is("(") {
		pp.errorf(t.pos, "%s is not followed by a name", t)
		s.push(open)
		return result(false)
	}
	if pp.depth++; pp.depth > maxNesting {
		pp.limitf(t.pos, "%s nested deeper than %d", t, maxNesting)
	}
	defer func() { pp.depth-- }()
	var arg []token
	for depth := 1; ; {
		if pp.expanded++; pp.expanded > maxExpanded {
			pp.limitf(t.pos, "macro expansion makes more than %d tokens", maxExpanded)
		}
		if pp.stopped {
			return result(false)
		}
		n := s.next()
		if n.kind == tEOF || n.kind == tNewline {
			pp.errorf(t.pos, "%s without a closing parenthesis", t)
			return result(false)
		}
		if n.is("(") {
			depth++
		} else if n.is(")") {
			if depth--; depth == 0 {
				break
			}
		}
		arg = append(arg, n)
	}
	switch t.text {
	case "defined":
		if len(arg) != 1 || arg[0].kind != tIdent {
			pp.errorf(t.pos, "%s is not followed by a name", t)
			return result(false)
		}
		return result(pp.defined(arg[0].text))
	case "__has_include", "__has_include_next":
		if len(arg) > 0 && arg[0].kind == tIdent {
			arg = pp.expandAll(arg)
		}
		header, quoted, ok := pp.headerTokens(t.pos, arg)
		if pp.stopped {
			return result(false)
		}
		if !ok {
			pp.errorf(t.pos, `%s needs "file" or <file>`, t)
			return result(false)
		}
		in := pp.input[len(pp.input)-1]
		_, err := pp.find(in, header, quoted, t.text == "__has_include_next")
		return result(err == nil)
	case "__has_builtin":
		if len(arg) != 1 {
			return result(false)
		}
		name, ok := strings.CutPrefix(arg[0].text, "__builtin_")
		return result(ok && builtins[name])
	}
	return result(len(arg) > 0 && attributes[plainName(arg[len(arg)-1].text)])
}

// plainName returns the name of an attribute without the underscores that
// keep it apart from macros.
func plainName(s string) string {
	if len(s) > 4 && strings.HasPrefix(s, "__") && strings.HasSuffix(s, "__") {
		return s[2 : len(s)-2]
	}
	return s
}

// attributes are those of gcc 12 for which headers ask.
var attributes = set(`access alias aligned alloc_align alloc_size always_inline artificial
	assume_aligned cleanup cold common const constructor copy deprecated designated_init destructor error
	externally_visible fallthrough flatten format format_arg gnu_inline hot ifunc leaf malloc
	may_alias mode naked no_icf no_instrument_function no_profile_instrument_function no_reorder
	no_sanitize no_sanitize_address no_split_stack no_stack_limit nocommon noclone noinit noinline noipa
	nonnull nonstring noplt noreturn nothrow optimize packed patchable_function_entry pure
	returns_nonnull returns_twice scalar_storage_order section sentinel simd stack_protect symver target
	target_clones tls_model transparent_union unavailable uninitialized unused used vector_size
	visibility warn_if_not_aligned warn_unused_result warning weak weakref zero_call_used_regs
	maybe_unused nodiscard`)

// builtins are those of gcc 12 for which headers ask, without __builtin_.
var builtins = set(`abort add_overflow add_overflow_p alloca apply bcmp bcopy bswap16 bswap32 bswap64 bswap128 bzero
	calloc choose_expr classify_type clear_padding clrsb clrsbl clrsbll clz clzl clzll complex constant_p
	convertvector copysign cpu_init cpu_is cpu_supports ctz ctzl ctzll dynamic_object_size exit expect
	expect_with_probability extend_pointer extract_return_addr fabs ffs ffsl ffsll fpclassify frame_address
	free goacc_parlevel_id has_attribute huge_val huge_valf huge_vall inf inff infl ia32_pause isfinite
	isgreater isinf isless isnan isnormal isunordered line LINE malloc memchr memcmp memcpy memmove mempcpy
	memset mul_overflow mul_overflow_p nan nanf nanl nans object_size offsetof parity parityl parityll
	popcount popcountl popcountll prefetch printf puts realloc return_address rintl shuffle shufflevector
	signbit snprintf speculation_safe_value sprintf stpcpy stpncpy strcasecmp strcat strchr strcmp strcpy
	strcspn strdup strlen strncasecmp strncat strncmp strncpy strndup strnlen strpbrk strrchr strspn strstr
	sub_overflow sub_overflow_p tgmath thread_pointer trap types_compatible_p unreachable va_arg va_copy
	va_end va_start vprintf vsnprintf vsprintf`)
