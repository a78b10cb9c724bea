package main

import (
	"bufio"
	"fmt"

	"github.com/spf13/cobra"
)

// output holds the flag that says how results are printed.
type output struct{ format string }

func (o *output) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.format, "output", "human", "`format` of the output: human or json")
}

// json reports whether JSON is asked for.
func (o *output) json() (bool, error) {
	switch o.format {
	case "human":
		return false, nil
	case "json":
		return true, nil
	}
	return false, usageError{fmt.Errorf("unknown output format %q, must be human or json", o.format)}
}

// printed calls do with a buffer in front of the command's output. What do
// wrote is printed also if it fails.
func printed(cmd *cobra.Command, do func(w *bufio.Writer) error) error {
	w := bufio.NewWriter(cmd.OutOrStdout())
	err := do(w)
	if flushErr := w.Flush(); err == nil {
		err = flushErr
	}
	return err
}
