package cstruct

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
)

// A location is where a file was found.
type location struct {
	fs    fs.FS
	path  string // inside fs
	name  string // of fs
	chain int    // index in the search path; -1: beside a file of the Config
}

// include carries out #include and its kin.
func (pp *preprocessor) include(in *input, name token) {
	header, quoted, ok := pp.headerName(in)
	if !ok {
		pp.errorsf(name.pos, `#%s needs "file" or <file>`, name.text)
		in.skip()
		return
	}
	in.skip()
	if len(pp.input) > maxIncludes {
		pp.limitf(name.pos, "includes nested deeper than %d", maxIncludes)
		return
	}
	t, at, err := pp.find(in, header, quoted, name.text == "include_next")
	switch {
	case errors.Is(err, errTooLarge):
		pp.limitf(name.pos, "%s has more than %d bytes", quote(header), maxFile)
		return
	case err != nil:
		pp.errorsf(name.pos, "%s: %v", quote(header), err)
		return
	}
	key := path.Base(at.path) + "\x00" + t.src
	if name.text == "import" {
		if pp.once[key] {
			return
		}
		pp.once[key] = true
	}
	if pp.once[key] && name.text != "import" {
		return
	}
	if g := pp.guards[t]; g != "" && pp.macros[g] != nil {
		return
	}
	pp.open(&file{
		text:    t,
		name:    path.Join(at.name, at.path),
		from:    name.pos,
		main:    pp.isMain(at, t),
		builtin: at.name == builtinName,
		where:   at,
	})
}

// isMain reports whether a file of the Config is read by an #include.
func (pp *preprocessor) isMain(at location, t *text) bool {
	for _, s := range pp.cfg.Files {
		if path.Base(s.Path) == path.Base(at.path) && len(s.Text) == len(t.src) && string(s.Text) == t.src {
			return true
		}
	}
	return false
}

// headerName reads "x" or <x>, which are no tokens, or macros that yield them.
func (pp *preprocessor) headerName(in *input) (name string, quoted, ok bool) {
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
	if name, quoted, ok = delimited(blank); ok {
		return name, quoted, ok
	}
	return headerTokens(pp.expandAll(in.line()))
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

func headerTokens(toks []token) (name string, quoted, ok bool) {
	if len(toks) == 1 && toks[0].kind == tString {
		return delimited(toks[0].text)
	}
	return delimited(spell(toks))
}

var (
	errNoFile   = errors.New("no such file in the include directories")
	errOutside  = errors.New("the path leaves the directories that may be read")
	errTooLarge = errors.New("file too large")
)

// find looks for a header: "x" beside the including file, then in the
// directories of -I, then among our own freestanding headers, and last beside
// the file of the Config. #include_next goes on behind the directory in which
// the including file was found.
func (pp *preprocessor) find(in *input, header string, quoted, next bool) (*text, location, error) {
	if path.IsAbs(header) || strings.Contains(header, "\\") {
		return nil, location{}, errOutside
	}
	var tried []location
	first := 0
	if next && in.where.chain >= 0 && in.where.fs != nil {
		first = in.where.chain + 1
	} else if quoted && in.where.fs != nil {
		beside := in.where
		beside.path = path.Join(path.Dir(in.where.path), header)
		tried = append(tried, beside)
	}
	for i := first; i < len(pp.chain); i++ {
		tried = append(tried, location{pp.chain[i].FS, path.Clean(header), pp.chain[i].Name, i})
	}
	if own := pp.input[0].where; own.fs != nil && !next {
		own.path = path.Join(path.Dir(own.path), header)
		tried = append(tried, own)
	}
	failure := errNoFile
	for _, at := range tried {
		if at.fs == nil {
			continue
		}
		if !fs.ValidPath(at.path) {
			failure = errOutside
			continue
		}
		if t := pp.texts[at]; t != nil {
			return t, at, nil
		}
		b, err := readFile(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, at, err
		}
		t := newText(b)
		pp.texts[at] = t
		return t, at, nil
	}
	return nil, location{}, failure
}

// readFile reads a regular file.
func readFile(at location) ([]byte, error) {
	info, err := fs.Stat(at.fs, at.path)
	if err != nil {
		return nil, plain(err)
	}
	if !info.Mode().IsRegular() {
		return nil, fs.ErrNotExist
	}
	f, err := at.fs.Open(at.path)
	if err != nil {
		return nil, plain(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, plain(err)
	}
	if len(b) > maxFile {
		return nil, errTooLarge
	}
	return b, nil
}

// plain drops the path from an error of a file system: the message has the
// name as the header spells it.
func plain(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
