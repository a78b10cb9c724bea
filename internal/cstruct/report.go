package cstruct

import "fmt"

// A reporter collects what a run has to say about its text.
type reporter struct {
	files
	errs     ErrorList
	warnings []error
	stopped  bool // no stage goes on: a limit was met, or there were errors enough
	made     *int // bytes of text that are not in any file
}

func newReporter() *reporter { return &reporter{made: new(int)} }

// aside returns a reporter for what may turn out not to matter.
func (r *reporter) aside() *reporter { return &reporter{files: r.files, made: r.made} }

func (r *reporter) errorf(p pos, format string, args ...any) {
	r.keep(r.files.fault(p, fmt.Sprintf(format, args...)))
}

func (r *reporter) unsupportedf(p pos, format string, args ...any) {
	e := r.files.fault(p, fmt.Sprintf(format, args...))
	r.keep(&UnsupportedError{e.Pos, e.Msg, e.Line, e.Included})
}

func (r *reporter) keep(err error) {
	if r.errs = append(r.errs, err); len(r.errs) >= enoughErrors {
		r.stopped = true
	}
}

// spend reports whether n more bytes of text may be made: docs, names, joined
// strings and tokens. Small input can ask for much of it.
func (r *reporter) spend(p pos, n int) bool {
	if *r.made += n; *r.made > maxMade {
		r.limitf(p, "comments, names, strings and pasted tokens of more than %d bytes", maxMade)
	}
	return !r.stopped
}

func (r *reporter) warnf(p pos, format string, args ...any) {
	if len(r.warnings) < maxWarnings {
		r.warnings = append(r.warnings, r.files.fault(p, fmt.Sprintf(format, args...)))
	}
}

// limitf reports that a limit is exceeded, once, and ends the run.
func (r *reporter) limitf(p pos, format string, args ...any) {
	if r.stopped {
		return
	}
	r.stopped = true
	e := r.files.fault(p, fmt.Sprintf(format, args...))
	e.Err = ErrLimit
	r.errs = append(r.errs, e)
}

// exceeded returns the limit that the text at p exceeds, nil for none.
func (r *reporter) exceeded(p pos) *diagnostic {
	for _, err := range r.errs {
		if e, ok := err.(*Error); ok && e.Err == ErrLimit {
			return limit(p, "%s", e.Msg)
		}
	}
	return nil
}

// A diagnostic is an error on its way to a reporter, from where its position
// cannot be resolved yet.
type diagnostic struct {
	pos         pos
	msg         string
	unsupported bool
	limit       bool
}

func (d *diagnostic) Error() string { return d.msg }

func malformed(p pos, format string, args ...any) *diagnostic {
	return &diagnostic{pos: p, msg: fmt.Sprintf(format, args...)}
}

func unsupported(p pos, format string, args ...any) *diagnostic {
	return &diagnostic{pos: p, msg: fmt.Sprintf(format, args...), unsupported: true}
}

func limit(p pos, format string, args ...any) *diagnostic {
	return &diagnostic{pos: p, msg: fmt.Sprintf(format, args...), limit: true}
}

func (r *reporter) report(d *diagnostic) {
	switch {
	case d.limit:
		r.limitf(d.pos, "%s", d.msg)
	case d.unsupported:
		r.unsupportedf(d.pos, "%s", d.msg)
	default:
		r.errorf(d.pos, "%s", d.msg)
	}
}
