package cstruct

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// A location is where a file was found.
type location struct {
	dir  *directory // nil: nowhere
	path string     // inside dir
}

// A directory is one that may be read from.
type directory struct {
	Dir
	chain int // its index in the search path; -1: that of a file of the Config
}

func newDirectory(d Dir, chain int) *directory {
	if d.FS == nil {
		return nil
	}
	return &directory{d, chain}
}

// include carries out #include and its kin.
func (pp *preprocessor) include(in *input, name token) {
	at := name.pos
	header, quoted, ok := pp.headerName(in, &at)
	if !ok {
		pp.errorf(at, `#%s needs "file" or <file>`, name.text)
		in.skip()
		return
	}
	in.skip()
	if len(pp.input) > maxIncludes {
		pp.limitf(name.pos, "includes nested deeper than %d", maxIncludes)
		return
	}
	header = pp.followHeader(header)
	found, err := pp.find(in, header, quoted, name.text == "include_next")
	var t *text
	if err == nil {
		t, err = pp.load(found)
	}
	switch {
	case errors.Is(err, errTooLarge):
		pp.limitf(at, "%s has more than %d bytes", quote(header), maxFile)
		return
	case errors.Is(err, errTooMuch):
		pp.limitf(at, "more than %d bytes of text in all files together", maxText)
		return
	case err != nil:
		pp.errorf(at, "%s: %v", quote(header), err)
		return
	}
	if pp.spared(found, t) {
		return
	}
	if name.text == "import" {
		pp.once[t.identity(found.path)] = true
	}
	pp.open(&file{
		text:  t,
		name:  path.Join(found.dir.Name, found.path),
		from:  name.pos,
		main:  pp.isMain(found, t),
		where: found,
	})
}

// spared reports whether a file that was read before says that it need not be
// read again.
func (pp *preprocessor) spared(at location, t *text) bool {
	g := pp.guards[t]
	return len(pp.once) > 0 && pp.once[t.identity(at.path)] || g != "" && pp.macros[g] != nil
}

// isMain reports whether a file of the Config is read by an #include.
func (pp *preprocessor) isMain(at location, t *text) bool {
	return slices.ContainsFunc(pp.mains, func(f *file) bool {
		return path.Base(f.where.path) == path.Base(at.path) && f.src == t.src
	})
}

// headerName reads "x" or <x>, which are no tokens, or macros that yield them,
// and moves at to where it stands.
func (pp *preprocessor) headerName(in *input, at *pos) (name string, quoted, ok bool) {
	s := in.text.text[in.off:]
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		s = s[:i]
	}
	blank := strings.TrimLeft(s, " \t\f\v")
	for strings.HasPrefix(blank, "/*") {
		i := strings.Index(blank[2:], "*/")
		if i < 0 {
			break
		}
		blank = strings.TrimLeft(blank[i+4:], " \t\f\v")
	}
	if blank != "" {
		*at = in.at(in.off + len(s) - len(blank))
	}
	if name, quoted, ok = delimited(blank); ok {
		return name, quoted, ok
	}
	return pp.headerTokens(*at, pp.expandAll(in.line()))
}

// delimited returns the name that s has between "" or <>, and whether it was "".
func delimited(s string) (name string, quoted, ok bool) {
	if s == "" || s[0] != '"' && s[0] != '<' {
		return "", false, false
	}
	end := byte('"')
	if s[0] == '<' {
		end = '>'
	}
	i := strings.IndexByte(s[1:], end)
	if i <= 0 {
		return "", false, false
	}
	return s[1 : 1+i], end == '"', true
}

// headerTokens returns the name that tokens at the position spell.
func (pp *preprocessor) headerTokens(at pos, toks []token) (name string, quoted, ok bool) {
	for _, t := range toks {
		if !pp.spend(at, len(t.text)) {
			return "", false, false
		}
	}
	if len(toks) == 1 && toks[0].kind == tString {
		return delimited(toks[0].text)
	}
	return delimited(spell(toks))
}

var (
	errNoFile   = errors.New("no such file in the include directories")
	errOutside  = errors.New("the path leaves the directories that may be read")
	errTooLarge = errors.New("file too large")
	errTooMuch  = errors.New("too much text")
)

// find looks for a header: "x" beside the including file, then in the
// directories of -I, then among our own freestanding headers, and last beside
// the file of the Config. #include_next goes on behind the directory in which
// the including file was found.
func (pp *preprocessor) find(in *input, header string, quoted, next bool) (location, error) {
	if path.IsAbs(header) || strings.Contains(header, "\\") {
		return location{}, errOutside
	}
	var tried []location
	first := 0
	switch {
	case in.where.dir == nil:
	case next && in.where.dir.chain >= 0:
		first = in.where.dir.chain + 1
	case quoted:
		tried = append(tried, location{in.where.dir, path.Join(path.Dir(in.where.path), header)})
	}
	for _, d := range pp.chain[first:] {
		tried = append(tried, location{d, path.Clean(header)})
	}
	if own := pp.input[0].where; !next {
		tried = append(tried, location{own.dir, path.Join(path.Dir(own.path), header)})
	}
	failure := errNoFile
	for _, at := range tried {
		if at.dir == nil {
			continue
		}
		if !fs.ValidPath(at.path) {
			failure = errOutside
			continue
		}
		if pp.texts[at] != nil {
			return at, nil
		}
		info, err := fs.Stat(at.dir.FS, at.path)
		switch {
		case err == nil && info.Mode().IsRegular():
			return at, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return at, plain(err)
		}
	}
	return location{}, failure
}

// load returns the text of a regular file, which it reads once.
func (pp *preprocessor) load(at location) (*text, error) {
	if t := pp.texts[at]; t != nil {
		return t, nil
	}
	f, err := at.dir.FS.Open(at.path)
	if err != nil {
		return nil, plain(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errNoFile // no longer
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, plain(err)
	}
	if len(b) > maxFile {
		return nil, errTooLarge
	}
	if pp.loaded += len(b); pp.loaded > maxText {
		return nil, errTooMuch // in files that need not be read again, perhaps
	}
	t := newText(b)
	pp.texts[at] = t
	return t, nil
}

// plain drops the path from an error of a file system: the message has the
// name as the header spells it.
func plain(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
