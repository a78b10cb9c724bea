package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"cstructgen/qcow2"
)

func snapshotCommand() *cobra.Command {
	var src source
	var out output
	cmd := &cobra.Command{
		Use:   "snapshot [-l] IMAGE",
		Short: "List the snapshots inside an image",
		Long: `List the snapshots inside an image. To read one give its ID or name to -l of
convert, cat, map, info or measure.`,
		Example: `  qcow2 snapshot -l disk.qcow2
  qcow2 convert -O raw -l before-upgrade disk.qcow2 before.raw`,
		Args: exactly(1, "one image file name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			json, err := out.json()
			if err != nil {
				return err
			}
			saveMemory()
			return src.use(args[0], func(d disk) error {
				im, ok := d.(*qcow2.Image)
				if !ok {
					return errors.New("raw images have no snapshots")
				}
				snapshots, err := im.Snapshots()
				if err != nil {
					return err
				}
				return printed(cmd, func(w *bufio.Writer) error {
					switch {
					case json:
						writeJSON(w, eachOf(snapshots, snapshotObject))
					case len(snapshots) > 0:
						printSnapshots(w, snapshots)
					}
					return nil
				})
			})
		},
	}
	src.register(cmd)
	out.register(cmd)
	cmd.Flags().BoolP("list", "l", true, "list them; there is nothing else to do")
	return cmd
}

// snapshotObject returns s with the keys of QEMU's SnapshotInfo.
func snapshotObject(s *qcow2.Snapshot) object {
	var o object
	if s.HasICount {
		o = append(o, member{"icount", s.ICount})
	}
	return append(o,
		member{"vm-clock-nsec", s.Header.VmClockNsec % uint64(time.Second)},
		member{"name", s.Name},
		member{"date-sec", s.Header.DateSec},
		member{"date-nsec", s.Header.DateNsec},
		member{"vm-clock-sec", s.Header.VmClockNsec / uint64(time.Second)},
		member{"id", s.ID},
		member{"vm-state-size", s.VMStateSize})
}

// printSnapshots writes the list as qemu-img does (bdrv_snapshot_dump).
func printSnapshots(w io.Writer, snapshots []qcow2.Snapshot) {
	const columns = "%-7s %-16s %8s %19s %15s %10s\n"
	fmt.Fprintf(w, "Snapshot list:\n"+columns, "ID", "TAG", "VM_SIZE", "DATE", "VM_CLOCK", "ICOUNT")
	for i := range snapshots {
		s := &snapshots[i]
		icount := "--"
		if s.HasICount {
			icount = strconv.FormatInt(int64(s.ICount), 10)
		}
		ms := s.Header.VmClockNsec / uint64(time.Millisecond)
		clock := fmt.Sprintf("%04d:%02d:%02d.%03d", ms/3600000, ms/60000%60, ms/1000%60, ms%1000)
		fmt.Fprintf(w, columns, shown(s.ID), shown(s.Name), humanSize(s.VMStateSize),
			s.Date.Local().Format(time.DateTime), clock, icount)
	}
}
