package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"cstructgen/gpt"
)

// A partitionInfo is what "info" says of a disk's partition table.
type partitionInfo struct {
	*gpt.Table // nil: the disk has none
}

// describePartitions reads the partition table of d. That a disk has none is
// no error. With an error there may be something to say, too.
func describePartitions(d disk, sectorSize int64) (*partitionInfo, error) {
	t, err := gpt.Read(d, d.Size(), &gpt.Options{SectorSize: sectorSize})
	switch {
	case errors.Is(err, gpt.ErrNoTable):
		return &partitionInfo{}, nil
	case t == nil:
		return nil, err
	}
	return &partitionInfo{t}, err
}

// object returns t with starts and lengths in bytes.
func (t *partitionInfo) object() object {
	if t.Table == nil {
		return object{{"scheme", "none"}}
	}
	o := object{{"scheme", string(t.Scheme)}, {"id", t.ID}, {"sector-size", t.SectorSize}}
	if t.Primary != nil {
		o = append(o, member{"primary-error", t.Primary.Error()})
	}
	if t.Backup != nil {
		o = append(o, member{"backup-error", t.Backup.Error()})
	}
	o = append(o, member{"partitions", partitionList(t.Partitions)})
	if len(t.Hybrid) > 0 {
		o = append(o, member{"hybrid-mbr", partitionList(t.Hybrid)})
	}
	return o
}

func partitionList(partitions []gpt.Partition) list {
	l := list{}
	for i := range partitions {
		p := &partitions[i]
		o := object{{"number", p.Number}, {"start", p.Start}, {"length", p.Length}, {"type", p.Type}}
		add := func(key string, value any, said bool) {
			if said {
				o = append(o, member{key, value})
			}
		}
		add("type-name", p.TypeName(), p.TypeName() != "")
		add("guid", p.GUID, p.GUID != "")
		add("name", p.Name, p.GUID != "")
		add("attributes", p.Attributes.String(), p.Attributes != 0)
		add("bootable", true, p.Bootable)
		add("extended", true, p.Extended)
		add("logical", true, p.Logical)
		if p.Err != nil {
			add("error", p.Err.Error(), true)
		}
		l = append(l, o)
	}
	return l
}

// print writes t for people: a line for each partition, with numbers of bytes
// as "cat --offset" takes them.
func (t *partitionInfo) print(w io.Writer) {
	if t.Table == nil {
		fmt.Fprintln(w, "Partition table: none")
		return
	}
	fmt.Fprintf(w, "Partition table: %s\n    id: %s\n    sector size: %d\n", t.Scheme, t.ID, t.SectorSize)
	if t.Primary != nil {
		fmt.Fprintf(w, "    read from the backup: %s\n", oneLine(t.Primary.Error()))
	}
	if t.Backup != nil {
		fmt.Fprintf(w, "    without a backup: %s\n", oneLine(t.Backup.Error()))
	}
	printPartitions(w, t.Partitions)
	if len(t.Hybrid) > 0 {
		fmt.Fprintln(w, "    hybrid MBR:")
		printPartitions(w, t.Hybrid)
	}
}

func printPartitions(w io.Writer, partitions []gpt.Partition) {
	if len(partitions) == 0 {
		fmt.Fprintln(w, "    no partitions")
		return
	}
	var table strings.Builder
	tw := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "    NR\tSTART\tLENGTH\tSIZE\tTYPE\tNAME\tFLAGS")
	for i := range partitions {
		p := &partitions[i]
		kind := p.TypeName()
		if kind == "" {
			kind = p.Type
		}
		var flags []string
		for _, f := range []struct {
			set  bool
			word string
		}{
			{p.Bootable, "bootable"}, {p.Logical, "logical"}, {p.Attributes != 0, p.Attributes.String()}, {p.Err != nil, "ERROR"},
		} {
			if f.set {
				flags = append(flags, f.word)
			}
		}
		fmt.Fprintf(tw, "    %d\t%d\t%d\t%s\t%s\t%s\t%s\n", p.Number, p.Start, p.Length, humanSize(uint64(p.Length)),
			kind, shown(p.Name), strings.Join(flags, " "))
	}
	tw.Flush()
	for line := range strings.Lines(table.String()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
	for i := range partitions {
		if err := partitions[i].Err; err != nil {
			fmt.Fprintf(w, "    error: %s\n", oneLine(err.Error()))
		}
	}
}
