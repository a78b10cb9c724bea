// Package cstruct is a C front end for binary formats: it reads the structs,
// unions, enums and macros of C text and says what each one is, with every
// size, offset, bit position and value resolved.
//
// It is no compiler: functions, bodies and data are skipped and reported as
// skipped. It knows no Go syntax and no format. What gcc 12 does on x86-64
// Linux is right; the byte order alone is the caller's choice.
//
// The flow, one file a stage:
//
//	source.go       bytes -> lines, splices, positions
//	lexer.go        text -> preprocessing tokens (token.go) and comments
//	directive.go    # lines; include.go, macro.go, expand.go, condition.go, pragma.go
//	parser.go       tokens -> syntax tree (syntax.go); declarator.go, attribute.go,
//	                packing.go (#pragma pack and its like), expr.go
//	eval.go         constant expressions, with C's types (types.go): literal.go,
//	                arith.go, operand.go, builtin.go
//	resolve.go      syntax -> types; modifier.go (attributes), record.go, member.go,
//	                enumeration.go, initializer.go; cycle.go for messages
//	layout.go       members -> offsets, as gcc places them
//	constant.go     object-like macros -> constants
//	comment.go      comments -> docs
//	known.go        what is known before the first line
//
// Parse runs them all. A stage that found errors ends the run, so that one
// mistake is not reported by every stage after it.
//
// The text is untrusted. Nesting, includes, macro expansion and sizes are
// limited (limit.go), so that no text takes more than 1 GiB of memory or time
// without end; nothing outside the directories of the Config is opened; bad
// input is a positioned error, never a panic.
package cstruct
