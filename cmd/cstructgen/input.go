package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"cstructgen/gen"
)

// maxFile is more than any file that gets translated; reading stops there.
const maxFile = 16<<20 + 1

// inputOptions are the flags that say how C is read.
type inputOptions struct {
	include []string
	defines []string
	dialect string
	endian  string
	aligned bool
	pointer int
}

func (o *inputOptions) addFlags(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(flagUsage)
	flags := cmd.Flags()
	flags.StringArrayVarP(&o.include, "include", "I", nil, "`directory` for #include (repeatable)")
	flags.StringArrayVarP(&o.defines, "define", "D", nil, "define a `macro`, NAME or NAME=VALUE (repeatable)")
	flags.StringVar(&o.dialect, "dialect", "c", "`language` of the files: c or dissect")
	flags.BoolVar(&o.aligned, "align", false, "dialect dissect: align members, as its aligned mode does")
	flags.IntVar(&o.pointer, "pointer-size", 8, "dialect dissect: `bytes` of a pointer: 1, 2, 4 or 8")
	flags.StringVar(&o.endian, "endian", "little", "byte `order`: little, big or both")
}

// order checks the flags that have few values.
func (o *inputOptions) order() (gen.Order, error) {
	switch {
	case o.dialect != "c" && o.dialect != "dissect":
		return 0, usagef("--dialect %q: want c or dissect", o.dialect)
	case o.dialect == "c" && (o.aligned || o.pointer != 8):
		return 0, usagef("--align and --pointer-size need --dialect dissect")
	case o.pointer != 1 && o.pointer != 2 && o.pointer != 4 && o.pointer != 8:
		return 0, usagef("--pointer-size %d: want 1, 2, 4 or 8", o.pointer)
	}
	switch o.endian {
	case "little":
		return gen.Little, nil
	case "big":
		return gen.Big, nil
	case "both":
		return gen.Both, nil
	}
	return 0, usagef("--endian %q: want little, big or both", o.endian)
}

// language returns the dialect, once order has checked it.
func (o *inputOptions) language() gen.Dialect {
	if o.dialect == "dissect" {
		return gen.Dissect
	}
	return gen.C
}

// An input is the C text to read and the directories it may include from.
type input struct {
	sources []gen.Source
	include []gen.Dir
	roots   []*os.Root
}

// Close closes the directories.
func (in *input) Close() error {
	var errs []error
	for _, r := range in.roots {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}

// open reads the named files and opens the directories that go with them.
func (o *inputOptions) open(names []string) (*input, error) {
	in := new(input)
	for _, name := range names {
		if err := in.add(name); err != nil {
			in.Close()
			return nil, err
		}
	}
	for _, name := range o.include {
		dir, err := in.dir(name)
		if err != nil {
			in.Close()
			return nil, fmt.Errorf("-I %s: %w", name, cause(err))
		}
		in.include = append(in.include, dir)
	}
	return in, nil
}

func (in *input) add(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return err
	}
	dir, err := in.dir(filepath.Dir(name))
	if err != nil {
		return err
	}
	in.sources = append(in.sources, gen.Source{Name: name, Text: text, Dir: dir, Path: filepath.Base(name)})
	return nil
}

// cause is err without the path that it names.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

func (in *input) dir(name string) (gen.Dir, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return gen.Dir{}, err
	}
	in.roots = append(in.roots, root)
	return gen.Dir{Name: name, FS: &directory{root, func() []*os.Root { return in.roots }}}, nil
}
