package luks

import (
	"errors"
	"fmt"
)

// What a caller may want to tell apart. Errors of this package wrap one of
// these, or the error of the reader below, in an [*Error].
var (
	ErrFormat      = errors.New("not a LUKS header")          // the magic is missing, or the header is cut
	ErrUnsupported = errors.New("unsupported")                // version, cipher, mode, IV, hash
	ErrCorrupt     = errors.New("corrupt LUKS header")        // against the specification
	ErrTruncated   = errors.New("beyond the end of the file") // something needed lies past the end
	ErrLimit       = errors.New("limit exceeded")             // one that the caller set
	ErrPassword    = errors.New("wrong password")             // no key slot opens with it
)

// An Error says what is wrong with a volume, and where.
type Error struct {
	Field  string // name of the header field in C, or "data"
	Offset int64  // of the field from the start of the header, or of the data in the volume
	Reason string // with the value that was found; may be empty
	Err    error  // one of the sentinels, or the error of the reader below
}

func (e *Error) Error() string {
	reason := ""
	if e.Reason != "" {
		reason = e.Reason + ": "
	}
	return fmt.Sprintf("luks: %s at %#x: %s%v", e.Field, e.Offset, reason, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }
