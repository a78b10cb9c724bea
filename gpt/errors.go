package gpt

import (
	"errors"
	"fmt"
	"strings"
)

// What a caller may want to tell apart. Every error of this package but those
// of a wrong option is an [*Error] that wraps one of these or the error of the
// reader.
var (
	ErrNoTable = errors.New("no partition table")
	ErrCorrupt = errors.New("corrupt partition table") // against the specification, or not on the disk
	ErrLimit   = errors.New("limit exceeded")          // of this package, against tables made to do harm
)

// An Error says what is wrong with a table, and where.
type Error struct {
	What   string // structure or partition, and field
	Offset int64  // of that on the disk, in bytes
	Value  uint64 // found there, if Reason is set
	Reason string // why Value is wrong: a limit or a rule
	Err    error  // one of the sentinels, or the error of the reader
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "gpt: %s at %#x: ", e.What, e.Offset)
	if e.Reason != "" {
		fmt.Fprintf(&b, "%#x: %s: ", e.Value, e.Reason)
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// corrupt returns the error for a value that is against the specification.
func corrupt(what string, off int64, value uint64, reason string) *Error {
	return &Error{what, off, value, reason, ErrCorrupt}
}
