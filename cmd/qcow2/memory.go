package main

import (
	"math"
	"os"
	"runtime/debug"

	"cstructgen/qcow2"
)

// Memory, in bytes. What is promised is 128 MiB resident: the budget of the
// library's cache, 64 MiB, and as much again.
const (
	// onceCache is the budget of who goes through the tables in order, once:
	// pages that were looked at are of no more use.
	onceCache = 16 << 20
	// softLimit is where the garbage collector begins to work harder instead
	// of letting memory grow. The program's own code is beside it.
	softLimit = 112 << 20
	// workersLimit is what all workers may need that copy or compare.
	workersLimit = 36 << 20
)

// limitMemory sets the soft limit, unless whoever started us has set one.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softLimit)
	}
}

// saveMemory has garbage collected twice as often, for work that keeps long
// lists and makes as much garbage of them as they have bytes.
func saveMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

// unlimitMemory is for work whose memory has a limit of its own.
func unlimitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(math.MaxInt64)
	}
}

// affordable returns how many of the workers asked for may read the disks at
// once: each holds a piece of each, and a read of compressed clusters needs
// three of them more, or half a MiB where they are small. With clusters of 64
// KiB one disk may be read by as many as anybody may ask for, with 2 MiB by
// four.
func affordable(workers int, disks ...disk) int {
	each := int64(0)
	for _, d := range disks {
		cluster := int64(0)
		im, _ := d.(*qcow2.Image)
		for ; im != nil; im = im.Backing() {
			cluster = max(cluster, im.ClusterSize())
		}
		each += pieceSize + 3*cluster
	}
	return max(1, min(workers, int(workersLimit/each)))
}
