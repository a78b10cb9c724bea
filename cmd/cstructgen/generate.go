package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"cstructgen/gen"
)

// generateOptions are the flags of generate alone.
type generateOptions struct {
	pkg    string
	output string
	types  []string
	rename []string
	check  bool
	test   bool
}

func generateCommand(name string) *cobra.Command {
	var in inputOptions
	var opts generateOptions
	cmd := &cobra.Command{
		Use:   name + " --package NAME [flags] FILE.h ...",
		Short: "Write Go types, constants and codecs (the default command)",
		Args:  atLeast(1, "the C files to translate"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return generate(cmd, in, opts, args)
		},
	}
	in.addFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&opts.pkg, "package", "", "name of the Go package (required)")
	flags.StringVarP(&opts.output, "output", "o", "", "write to this `file` (default standard output)")
	flags.StringSliceVar(&opts.types, "types", nil, "emit only declarations with these C `names` (A,B*) and what they need")
	flags.StringArrayVar(&opts.rename, "rename", nil, "give a C `name` another Go name: C=GO (repeatable)")
	flags.BoolVar(&opts.check, "check", false, "write nothing; exit with 1 and a diff if the output is stale")
	flags.BoolVar(&opts.test, "test", false, "also write tests of the output")
	return cmd
}

// generate runs the generator and puts its files where they belong.
func generate(cmd *cobra.Command, in inputOptions, opts generateOptions, args []string) error {
	order, err := in.order()
	if err != nil {
		return err
	}
	switch {
	case opts.pkg == "":
		return usagef("--package is required")
	case opts.output == "" && (opts.check || opts.test):
		return usagef("--check and --test need -o")
	case opts.output != "" && (!strings.HasSuffix(opts.output, ".go") || strings.HasSuffix(opts.output, "_test.go")):
		return usagef("-o %s: want a name that ends with .go and not with _test.go", opts.output)
	}
	rename, err := renames(opts.rename)
	if err != nil {
		return err
	}
	files, err := in.open(args)
	if err != nil {
		return err
	}
	defer files.Close()
	out, err := gen.Generate(gen.Config{
		Files:   files.sources,
		Include: files.include,
		Defines: in.defines,
		Order:   order,
		Dialect: in.language(), Aligned: in.aligned, PointerSize: int64(in.pointer),
		Package: opts.pkg,
		Types:   opts.types,
		Rename:  rename,
		Name:    opts.output,
		Test:    opts.test,
	})
	if _, ok := errors.AsType[*gen.ConfigError](err); ok {
		return usageError{err}
	}
	if errors.Is(err, gen.ErrOutput) && opts.types == nil {
		return hintError{err, "--types A,B* makes Go of these declarations alone, and of what they need"}
	}
	if err != nil {
		return err
	}
	if bytes.HasSuffix(out[0].Text, []byte("\npackage "+opts.pkg+"\n")) {
		fmt.Fprintf(cmd.ErrOrStderr(), "cstructgen: %s itself declares nothing to emit; --types emits from what it includes\n",
			strings.Join(args, ", "))
	}
	switch {
	case opts.output == "":
		_, err = cmd.OutOrStdout().Write(out[0].Text)
		return err
	case opts.check:
		return checkFiles(cmd.OutOrStdout(), out)
	}
	return writeFiles(out, opts.pkg)
}

// renames reads the values of --rename.
func renames(list []string) (map[string]string, error) {
	names := make(map[string]string)
	for _, s := range list {
		c, name, ok := strings.Cut(s, "=")
		switch {
		case !ok || c == "" || name == "":
			return nil, usagef("--rename %q: want C=GO, as in 'a.b=Name'", s)
		case names[c] != "":
			return nil, usagef("--rename: %s twice", c)
		}
		names[c] = name
	}
	return names, nil
}
