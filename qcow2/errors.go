package qcow2

import (
	"errors"
	"fmt"
	"strings"
)

// What a caller may want to tell apart. Every error of this package that is
// about an image wraps one of these, or the error of the reader below, and
// nearly all are an [*Error] that says where.
var (
	ErrFormat      = errors.New("not a qcow2 image")                       // the magic is missing
	ErrUnsupported = errors.New("unsupported")                             // version, feature, cipher, compression method, format
	ErrCorrupt     = errors.New("corrupt image")                           // against the specification
	ErrTruncated   = errors.New("beyond the end of the file")              // something needed lies past the end
	ErrLimit       = errors.New("limit exceeded")                          // of QEMU, or one that the caller set
	ErrPassword    = errors.New("the password is missing or wrong")        // of encrypted data
	ErrReference   = errors.New("a file that the image names is not open") // see ReferenceError
)

// An Error says what is wrong with an image, and where.
type Error struct {
	File   string // the image file, as the caller or the overlay names it; may be empty
	What   string // field or structure
	Offset int64  // of What in the file
	Value  uint64 // found there, if Reason is set
	Reason string // why Value is wrong: a limit or a rule
	Err    error  // one of the sentinels, or the error of the reader below
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("qcow2: ")
	if e.File != "" {
		fmt.Fprintf(&b, "%q: ", e.File)
	}
	fmt.Fprintf(&b, "%s at %#x: ", e.What, e.Offset)
	if e.Reason != "" {
		fmt.Fprintf(&b, "%#x: %s: ", e.Value, e.Reason)
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// A ReferenceError says that a file which an image names was needed and is
// not open. It does not tell whether such a file exists.
type ReferenceError struct {
	Reference
	File   string // that names it, as the caller or an overlay wrote it
	Reason error
}

// Error does not show From, which may tell more of the host than the image's
// author should know.
func (e *ReferenceError) Error() string {
	return fmt.Sprintf("qcow2: %q: %s %q: %v", e.File, e.Kind, e.Name, e.Reason)
}

// Unwrap makes errors.Is(err, ErrReference) true.
func (e *ReferenceError) Unwrap() []error { return []error{ErrReference, e.Reason} }
