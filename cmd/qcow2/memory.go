package main

import (
	"math"
	"os"
	"runtime/debug"

	"cstructgen/qcow2"
)

// Memory, in bytes. What is promised of convert is 128 MiB resident: the
// budget of the library's cache, 64 MiB, and as much again.
const (
	// softLimit is where the garbage collector begins to work harder instead
	// of letting memory grow. The program's own code is beside it.
	softLimit = 112 << 20
	// workersLimit is what all workers of a copier may need.
	workersLimit = 36 << 20
)

// limitMemory sets the soft limit, unless whoever started us has set one.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softLimit)
	}
}

// unlimitMemory is for work whose memory has a limit of its own.
func unlimitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(math.MaxInt64)
	}
}

// affordable returns how many of the workers asked for may read d at once:
// each holds a piece, and a read of compressed clusters needs three of them
// more, or half a MiB where they are small. With clusters of 64 KiB that is all
// that anybody may ask for, with 2 MiB four.
func affordable(d disk, workers int) int {
	cluster := int64(0)
	im, _ := d.(*qcow2.Image)
	for ; im != nil; im = im.Backing() {
		cluster = max(cluster, im.ClusterSize())
	}
	return max(1, min(workers, int(workersLimit/(pieceSize+3*cluster))))
}
