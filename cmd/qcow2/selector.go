package main

import (
	"errors"
	"fmt"
	"strings"

	"cstructgen/qcow2"
)

// A selector is a flag that names a snapshot as qemu-img's -l does: by ID or
// name, whichever fits, or by "snapshot.id=ID", "snapshot.name=NAME" or both.
type selector struct {
	text     string
	given    bool
	exact    bool // id and name are what was given; else text is either
	id, name *string
}

func (s *selector) String() string { return s.text }
func (s *selector) Type() string   { return "snapshot" }

func (s *selector) Set(text string) error {
	*s = selector{text: text, given: true}
	if !strings.HasPrefix(text, "snapshot.") {
		return nil
	}
	s.exact = true
	for _, option := range splitOptions(text) {
		key, value, ok := strings.Cut(option, "=")
		switch {
		case ok && key == "snapshot.id":
			s.id = &value
		case ok && key == "snapshot.name":
			s.name = &value
		default:
			return fmt.Errorf("%q is neither snapshot.id=ID nor snapshot.name=NAME", option)
		}
	}
	return nil
}

// splitOptions splits a list of options at commas, except at two that stand
// for one, as QEMU does.
func splitOptions(text string) []string {
	var list []string
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == ',' {
			if i+1 == len(text) || text[i+1] != ',' {
				list = append(list, b.String())
				b.Reset()
				continue
			}
			i++
		}
		b.WriteByte(text[i])
	}
	if b.Len() > 0 {
		list = append(list, b.String())
	}
	return list
}

// find returns the snapshot of d that is meant.
func (s *selector) find(d disk) (*qcow2.Image, *qcow2.Snapshot, error) {
	im, ok := d.(*qcow2.Image)
	if !ok {
		return nil, nil, errors.New("raw images have no snapshots")
	}
	list, err := im.Snapshots()
	if err != nil {
		return nil, nil, err
	}
	if s.exact {
		for i := range list {
			if (s.id == nil || *s.id == list[i].ID) && (s.name == nil || *s.name == list[i].Name) {
				return im, &list[i], nil
			}
		}
	} else {
		for i := range list {
			if s.text == list[i].ID {
				return im, &list[i], nil
			}
		}
		for i := range list {
			if s.text == list[i].Name {
				return im, &list[i], nil
			}
		}
	}
	return nil, nil, fmt.Errorf("there is no snapshot %q; \"qcow2 snapshot -l\" lists those there are", s.text)
}

// open returns the disk of d as the snapshot holds it, d itself if none is
// asked for. It closes with d.
func (s *selector) open(d disk) (disk, error) {
	if !s.given {
		return d, nil
	}
	im, snapshot, err := s.find(d)
	if err != nil {
		return nil, err
	}
	return im.OpenListedSnapshot(snapshot)
}
