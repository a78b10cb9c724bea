package qcow2

import "math"

// A references counts, for each cluster of a file, how often the structures of
// an image name it. It takes memory where clusters are named: a little more
// than two bytes for each cluster and its neighbours.
type references struct {
	max      uint64            // the most that is counted: what a refcount can hold
	clusters uint64            // how many clusters there are; grows
	chunks   []*referenceChunk // nil: nothing there is named
	large    map[uint64]uint64 // by cluster: counts that a chunk has no room for

	memory, limit uint64 // in bytes: taken, allowed
}

const (
	chunkClusters = 1 << 14
	// inLarge, as a chunk's count, says that the count is in references.large.
	inLarge = math.MaxUint16
	// mapEntryBytes is about what an entry of a map takes.
	mapEntryBytes = 64
)

type referenceChunk struct {
	counts [chunkClusters]uint16
	walked [chunkClusters / 64]uint64 // bits: as an L2 table
}

const referenceChunkBytes = chunkClusters*2 + chunkClusters/8

// newReferences returns counts of zero for so many clusters, 1<<31 at most,
// which will take no more than limit bytes.
func newReferences(clusters, max, limit uint64) *references {
	return &references{
		max: max, clusters: clusters, limit: limit,
		chunks: make([]*referenceChunk, ceilDiv(clusters, chunkClusters)+1),
		large:  make(map[uint64]uint64),
	}
}

// charge takes n bytes from the memory that is allowed, if they are left.
func (r *references) charge(n uint64) bool {
	if n > r.limit-r.memory {
		return false
	}
	r.memory += n
	return true
}

// count returns how often the cluster is named.
func (r *references) count(cluster uint64) uint64 {
	c := r.chunks[cluster/chunkClusters]
	if c == nil {
		return 0
	}
	if n := c.counts[cluster%chunkClusters]; n != inLarge {
		return uint64(n)
	}
	return r.large[cluster]
}

// add counts the cluster, the one behind the last at most, n times more. Where
// the count would pass its maximum it stays there, and excess says by how
// much. ok is false if that takes more memory than is allowed.
func (r *references) add(cluster, n uint64) (excess uint64, ok bool) {
	r.clusters = max(r.clusters, cluster+1)
	c := r.chunks[cluster/chunkClusters]
	if c == nil {
		if !r.charge(referenceChunkBytes) {
			return 0, false
		}
		c = new(referenceChunk)
		r.chunks[cluster/chunkClusters] = c
	}
	slot := &c.counts[cluster%chunkClusters]
	if sum := uint64(*slot) + n; n < inLarge && sum < inLarge && sum <= r.max { // nearly always
		*slot = uint16(sum)
		return 0, true
	}
	now := uint64(*slot)
	if now == inLarge {
		now = r.large[cluster]
	}
	if n > r.max-now {
		n, excess = r.max-now, n-(r.max-now)
	}
	if now += n; now < inLarge {
		*slot = uint16(now)
		return excess, true
	}
	if *slot != inLarge && !r.charge(mapEntryBytes) {
		return 0, false
	}
	*slot, r.large[cluster] = inLarge, now
	return excess, true
}

// walk marks the cluster, which was counted, as an L2 table that is walked,
// and reports whether it was before.
func (r *references) walk(cluster uint64) (before bool) {
	c := r.chunks[cluster/chunkClusters]
	word, bit := &c.walked[cluster%chunkClusters/64], uint64(1)<<(cluster%64)
	before = *word&bit != 0
	*word |= bit
	return before
}
