package cstruct

// Our limits. C text comes from anywhere; each bounds time or memory.
const (
	maxNesting   = 256      // of parentheses, braces, types, conditionals, macros
	maxIncludes  = 200      // files open at once
	maxFile      = 16 << 20 // bytes of one file
	maxText      = 64 << 20 // bytes of all files together, each time they are read
	minText      = 1 << 10  // what reading a file counts for at least
	maxTokens    = 2 << 20  // tokens of the translation unit, after expansion
	maxExpanded  = 4 << 20  // tokens that macro expansion makes in a run
	maxList      = 1 << 20  // tokens of one macro's replacement or argument
	maxParams    = 512      // of a macro
	maxMade      = 64 << 20 // bytes of docs, names, joined strings and tokens
	maxErrors    = 20       // reported
	enoughErrors = 200      // to look for no more
	maxWarnings  = 1000     // kept
	maxLiteral   = 4 << 10  // bytes of one number, name or character constant
	maxNear      = 4 << 10  // bytes between a declaration and its comment
	maxObject    = 1 << 62  // bytes of one type
)
