package cstruct

import "fmt"

// A reporter collects what a run has to say about its text.
type reporter struct {
	files
	errs     ErrorList
	warnings []error
	stopped  bool // a limit was met: no stage goes on
}

func (r *reporter) errorsf(p pos, format string, args ...any) {
	r.errs = append(r.errs, r.files.errorf(p, fmt.Sprintf(format, args...)))
}

func (r *reporter) unsupportedf(p pos, format string, args ...any) {
	e := r.files.errorf(p, fmt.Sprintf(format, args...))
	r.errs = append(r.errs, &UnsupportedError{e.Pos, e.Msg, e.Line, e.Included})
}

func (r *reporter) warnf(p pos, format string, args ...any) {
	if len(r.warnings) < maxWarnings {
		r.warnings = append(r.warnings, r.files.errorf(p, fmt.Sprintf(format, args...)))
	}
}

// limitf reports that a limit is exceeded, once, and ends the run.
func (r *reporter) limitf(p pos, format string, args ...any) {
	if r.stopped {
		return
	}
	r.stopped = true
	e := r.files.errorf(p, fmt.Sprintf(format, args...))
	e.Err = ErrLimit
	r.errs = append(r.errs, e)
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
		r.errorsf(d.pos, "%s", d.msg)
	}
}
