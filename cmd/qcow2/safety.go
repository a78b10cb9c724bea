package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"

	"cstructgen/qcow2"
)

// exitUnsafe is the exit code of info --safety for an image that is not safe.
const exitUnsafe = 2

// examine returns what there is to be known of the image called name before
// anything opens it.
func examine(ctx context.Context, name string) (*qcow2.SafetyReport, error) {
	d, err := openRaw(name)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	unlimitMemory() // the check in it has a limit of its own
	return qcow2.SafetyOf(ctx, d.File, d.size, name)
}

// safetyObject returns r for JSON; safe is the verdict.
func safetyObject(r *qcow2.SafetyReport, name string, safe bool) object {
	checks, references := list{}, list{}
	for _, c := range r.Checks {
		o := object{{"name", c.Name}, {"passed", c.Passed}}
		if !c.Passed {
			o = append(o, member{"detail", c.Detail})
		}
		checks = append(checks, o)
	}
	for _, ref := range r.References {
		references = append(references, object{{"kind", ref.Kind}, {"name", ref.Name}, {"format", ref.Format}})
	}
	return object{
		{"filename", name}, {"safe", safe},
		{"virtual-size", r.VirtualSize}, {"data-size", r.DataSize}, {"file-size", r.FileSize},
		{"references", references}, {"checks", checks},
	}
}

// printSafety writes r for people.
func printSafety(w io.Writer, r *qcow2.SafetyReport, name string, safe bool, accepted []string) {
	verdict := map[bool]string{true: "yes", false: "no"}
	fmt.Fprintf(w, "image: %s\nsafe: %s\n", shown(name), verdict[safe])
	fmt.Fprintf(w, "virtual size: %s (%d bytes)\ndata size: %s (%d bytes)\nfile size: %s (%d bytes)\nchecks:\n",
		humanSize(uint64(r.VirtualSize)), r.VirtualSize, humanSize(uint64(r.DataSize)), r.DataSize,
		humanSize(uint64(r.FileSize)), r.FileSize)
	for _, c := range r.Checks {
		switch {
		case c.Passed:
			fmt.Fprintf(w, "    %s: passed\n", c.Name)
		case slices.Contains(accepted, c.Name):
			fmt.Fprintf(w, "    %s: accepted: %s\n", c.Name, oneLine(c.Detail))
		default:
			fmt.Fprintf(w, "    %s: FAILED: %s\n", c.Name, oneLine(c.Detail))
		}
	}
}

// writeSafety prints the report and returns how the command ends. The checks
// of the given names count for nothing.
func writeSafety(w *bufio.Writer, r *qcow2.SafetyReport, name string, json bool, accepted []string) error {
	safe := r.Safe(accepted...)
	if json {
		writeJSON(w, safetyObject(r, name, safe))
	} else {
		printSafety(w, r, name, safe, accepted)
	}
	if !safe {
		return &exitError{exitUnsafe, nil}
	}
	return nil
}
