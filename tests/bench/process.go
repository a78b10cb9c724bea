package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"time"
)

// A usage is what a process took.
type usage struct {
	wall, cpu float64 // seconds
	peak      int64   // bytes resident at most
}

// output runs a program and returns what it wrote; its error has what the
// program said of it.
func output(name string, args ...string) ([]byte, usage, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return nil, usage{}, fmt.Errorf("%s: %w: %s", name, err, stderr.Bytes())
	}
	wall := time.Since(start)
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return stdout.Bytes(), usage{wall.Seconds(), cpu.Seconds(), peak(cmd.ProcessState)}, nil
}

// command runs a program.
func command(name string, args ...string) error {
	_, _, err := output(name, args...)
	return err
}

// turns runs two programs in turns, once before the clock starts, so that
// their files are in the page cache. prepare is called before each run, and
// check once after both have run.
func (b *bench) turns(ours, theirs []string, prepare func(side int) error, check func() error) (result, error) {
	sides := [2][]string{ours, theirs}
	var walls, cpus [2][]float64
	var most int64
	for run := range b.runs + 1 {
		for i, side := range sides {
			if err := prepare(i); err != nil {
				return result{}, err
			}
			_, u, err := output(side[0], side[1:]...)
			if err != nil {
				return result{}, err
			}
			if run == 0 {
				continue
			}
			walls[i] = append(walls[i], u.wall)
			cpus[i] = append(cpus[i], u.cpu)
			if i == 0 {
				most = max(most, u.peak)
			}
		}
		if run == 0 {
			if err := check(); err != nil {
				return result{}, err
			}
		}
	}
	m := compared(walls[0], walls[1])
	m.CPU = compared(cpus[0], cpus[1]).Ratio.Median
	m.Peak = most
	return m, nil
}
