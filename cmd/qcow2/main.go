// Command qcow2 shows and converts disk images. It speaks qemu-img's language
// (commands, flags, output, exit codes), so that hands and scripts already
// know it, and adds "cat", "bitmap" and "dump", which qemu-img has not:
//
//	qcow2 info disk.qcow2                      what the image is
//	qcow2 info --partitions disk.qcow2         and how the disk in it is divided
//	qcow2 map --output=json disk.qcow2         where its data lies
//	qcow2 map --picture disk.svg disk.qcow2    the same as a picture
//	qcow2 convert -O raw disk.qcow2 disk.raw   the disk itself, "-" to standard output
//	qcow2 compare -F raw disk.qcow2 disk.raw   whether they are the same disk
//	qcow2 measure -O qcow2 disk.qcow2          how much room a copy would take
//	qcow2 cat --offset 1M --length 512 disk.qcow2
//	qcow2 check disk.qcow2                     whether its structures agree
//	qcow2 snapshot -l disk.qcow2
//	qcow2 bitmap --name daily disk.qcow2       what was written to since
//	qcow2 dump --what header,l2=0 disk.qcow2   the image byte by byte
//
// It differs from qemu-img where safety wants it. The format of an image is
// never guessed: it is qcow2, or raw with -f raw. Backing and data files that
// an image names are opened only under directories given by --allow-dir, and
// backing files of no stated format only with --backing-format. Passwords come
// from --secret-file or --secret-env, never from an argument. It only reads
// images; nothing is opened for writing but the target of convert.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"cstructgen/qcow2"
)

func main() {
	limitMemory()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole command: it returns the exit code, 1 for every error that has
// none of its own.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:   "qcow2",
		Short: "Show and convert qcow2 disk images",
		Long: `Show and convert qcow2 disk images, in the language of qemu-img: its commands,
flags, output and exit codes. Images are only read.

What an image is, is never guessed: it is qcow2, or raw with -f raw. Other files
that it names are opened only under directories given by --allow-dir. Sizes may
end in k, M, G, T, P or E, for powers of 1024.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown command %q", args[0])}
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error { return usageError{errors.New("expecting a command")} },
	}
	root.AddCommand(infoCommand(), mapCommand(), dumpCommand(), checkCommand(), convertCommand(), compareCommand(), measureCommand(), catCommand(), snapshotCommand(), bitmapCommand())
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(context.Background())
	if err == nil {
		return 0
	}
	code := 1
	if exit, ok := err.(*exitError); ok {
		code, err = exit.code, exit.err
	}
	if err != nil {
		fmt.Fprintln(stderr, message(cmd, err))
	}
	return code
}

// An exitError ends the command with a code of its own, 2 or more or, without
// an err to print, any.
type exitError struct {
	code int
	err  error // nil: all has been said
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// A usageError is a command line that cannot be obeyed.
type usageError struct{ error }

// message is the one line that is printed of err: what, where, what to do.
func message(cmd *cobra.Command, err error) string {
	text := strings.TrimPrefix(err.Error(), "qcow2: ")
	var usage usageError
	switch {
	case errors.Is(err, qcow2.ErrReference):
		text += hint
	case errors.Is(err, qcow2.ErrFormat) && cmd.Flags().Lookup("second-format") != nil:
		text += " (for a raw image give -f raw, or -F raw for the second)"
	case errors.Is(err, qcow2.ErrPassword):
		text += secretHint
	case errors.Is(err, qcow2.ErrFormat):
		text += " (for a raw image give -f raw)"
	case errors.As(err, &usage):
		text += fmt.Sprintf(" (see \"%s --help\")", cmd.CommandPath())
	}
	return "qcow2: " + oneLine(text)
}

// hint follows every refusal to open what an image names, whatever the
// reason: which it is would tell what files there are.
const hint = " (--allow-dir DIR allows the files under DIR, --backing-format F is for images that name no format)"

// oneLine replaces what would leave the line, or command a terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.ReplaceAll(s, "\n", "; "))
}

// exactly is cobra.ExactArgs with the error of this command.
func exactly(n int, names string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("expecting %s", names)}
		}
		return nil
	}
}
