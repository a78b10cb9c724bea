package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"cstructgen/qcow2"
)

// Exit codes of check, qemu-img's.
const (
	exitCorruptions  = 2
	exitLeaks        = 3
	exitNotSupported = 63
)

func checkCommand() *cobra.Command {
	var (
		src    source
		out    output
		quiet  bool
		prog   bool
		repair string
	)
	cmd := &cobra.Command{
		Use:   "check IMAGE",
		Short: "Check whether the structures of an image agree",
		Long: `Check whether the structures of an image agree: whether every cluster is used
as often as its refcount says, and table entries are what they may be. What is
wrong goes to standard error, the sum to standard output. The exit code is 0 if
all is well, 2 for corruptions, 3 for leaked clusters only, 1 if the check
could not be done, 63 for formats that have no check.`,
		Args: exactly(1, "one image file name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			json, err := out.json()
			if err != nil {
				return err
			}
			if repair != "" {
				return usageError{fmt.Errorf("-r %s: images are never written to; repair a copy with \"qemu-img check -r %s\"", repair, repair)}
			}
			if src.format == formatRaw {
				return &exitError{exitNotSupported, errors.New("this image format does not support checks")}
			}
			src.zeroFill = true // what is missing is something to be found
			return src.use(args[0], func(d disk) error {
				result, err := check(cmd, d.(*qcow2.Image), prog && !quiet, quiet)
				if err != nil {
					return err
				}
				if !quiet {
					err := printed(cmd, func(w *bufio.Writer) error {
						if json {
							writeJSON(w, checkObject(result, args[0], src.format))
						} else {
							printCheck(w, result)
						}
						return nil
					})
					if err != nil {
						return err
					}
				}
				return checkVerdict(result)
			})
		},
	}
	src.register(cmd)
	out.register(cmd)
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print nothing but what is wrong")
	cmd.Flags().BoolVarP(&prog, "progress", "p", false, "show progress at once, on a terminal")
	cmd.Flags().StringVarP(&repair, "repair", "r", "", "not supported: this tool writes to no image")
	return cmd
}

// check checks the image, and prints what is wrong as it is found.
func check(cmd *cobra.Command, im *qcow2.Image, progressAsked, quiet bool) (*qcow2.CheckResult, error) {
	unlimitMemory() // CheckOptions.MemoryLimit counts
	w := bufio.NewWriter(cmd.ErrOrStderr())
	var bar *progress
	opts := &qcow2.CheckOptions{
		MaxFindings: 1, // they are printed
		Report:      func(f qcow2.Finding) { fmt.Fprintln(w, f) },
	}
	// As much of the file as of the work.
	size, shown := float64(im.Files()[0].Size), int64(0)
	opts.Progress = func(done, total int64) {
		if bar == nil {
			bar = newProgress(cmd.ErrOrStderr(), int64(size), progressAsked, quiet)
		}
		now := int64(size * (float64(done) / float64(max(total, 1))))
		bar.add(now - shown)
		shown = now
	}
	result, err := im.Check(cmd.Context(), opts)
	if bar != nil {
		bar.stop()
	}
	return result, errors.Join(err, w.Flush())
}

// checkVerdict is how the command ends.
func checkVerdict(r *qcow2.CheckResult) error {
	switch {
	case r.CheckErrors > 0:
		return errors.New("check failed: not everything could be checked")
	case r.Corruptions > 0:
		return &exitError{exitCorruptions, nil}
	case r.Leaks > 0:
		return &exitError{exitLeaks, nil}
	}
	return nil
}

// checkObject returns r with the keys of QEMU's ImageCheck, in the order of
// qemu-img. Most are left out where they are 0.
func checkObject(r *qcow2.CheckResult, filename, format string) object {
	var o object
	optional := func(key string, n int64) {
		if n != 0 {
			o = append(o, member{key, n})
		}
	}
	optional("image-end-offset", r.ImageEndOffset)
	optional("compressed-clusters", r.CompressedClusters)
	optional("total-clusters", r.TotalClusters)
	optional("corruptions", r.Corruptions)
	o = append(o, member{"check-errors", r.CheckErrors})
	optional("leaks", r.Leaks)
	optional("allocated-clusters", r.AllocatedClusters)
	o = append(o, member{"filename", filename}, member{"format", format})
	optional("fragmented-clusters", r.FragmentedClusters)
	return o
}

// printCheck writes r as qemu-img does (dump_human_image_check).
func printCheck(w io.Writer, r *qcow2.CheckResult) {
	if r.Clean() {
		fmt.Fprintln(w, "No errors were found on the image.")
	}
	if r.Corruptions > 0 {
		fmt.Fprintf(w, "\n%d errors were found on the image.\n"+
			"Data may be corrupted, or further writes to the image may corrupt it.\n", r.Corruptions)
	}
	if r.Leaks > 0 {
		fmt.Fprintf(w, "\n%d leaked clusters were found on the image.\n"+
			"This means waste of disk space, but no harm to data.\n", r.Leaks)
	}
	if r.CheckErrors > 0 {
		fmt.Fprintf(w, "\n%d internal errors have occurred during the check.\n", r.CheckErrors)
	}
	if r.TotalClusters != 0 && r.AllocatedClusters != 0 {
		percent := func(n, of int64) float64 { return float64(n) * 100 / float64(of) }
		fmt.Fprintf(w, "%d/%d = %.2f%% allocated, %.2f%% fragmented, %.2f%% compressed clusters\n",
			r.AllocatedClusters, r.TotalClusters, percent(r.AllocatedClusters, r.TotalClusters),
			percent(r.FragmentedClusters, r.AllocatedClusters), percent(r.CompressedClusters, r.AllocatedClusters))
	}
	if r.ImageEndOffset != 0 {
		fmt.Fprintf(w, "Image end offset: %d\n", r.ImageEndOffset)
	}
}
