package gpt

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// A span is the sectors from one to just before another.
type span struct{ from, to uint64 }

func (p *Partition) span() span { return span{p.FirstLBA, p.FirstLBA + p.Sectors} }

// place sets what follows from FirstLBA and Sectors, whose sum fits. The
// partition may lie in the given sectors.
func (d *disk) place(p *Partition, may span) {
	s, end := p.span(), d.sectors()
	if s.from < end {
		p.Start = d.offset(s.from)
		p.Length = d.offset(min(s.to, end)) - p.Start
	}
	p.SectionReader = io.NewSectionReader(d.r, p.Start, p.Length)
	var reason string
	value := s.from
	switch {
	case s.from >= end:
		reason = fmt.Sprintf("first sector, of a disk of %#x", end)
	case p.Sectors == 0:
		reason = "first sector, and ends before it"
	case s.from < may.from:
		reason = fmt.Sprintf("first sector, before %#x, the first that may be used", may.from)
	case s.to > end:
		reason, value = fmt.Sprintf("last sector, of a disk of %#x", end), s.to-1
	case s.to > may.to:
		reason, value = fmt.Sprintf("last sector, behind %#x, the last that may be used", may.to-1), s.to-1
	default:
		return
	}
	p.Err = corrupt(p.what(), p.Offset, value, reason)
}

// A placed is sectors in use, by a partition or, if that is nil, by a table.
type placed struct {
	span
	by *Partition
}

// markOverlaps sets the errors of partitions that overlap another.
func markOverlaps(list []Partition) {
	var used []placed
	for i := range list {
		used = append(used, placed{list[i].span(), &list[i]})
	}
	overlaps(used)
}

// overlaps sets the errors of the partitions among used that overlap others:
// of those that begin later, or in the same sector and are listed later.
func overlaps(used []placed) {
	slices.SortStableFunc(used, func(a, b placed) int { return cmp.Compare(a.from, b.from) })
	var widest placed // of those before, the one that ends last
	for _, u := range used {
		if u.from < widest.to && u.from < u.to {
			of, other := u, widest
			if of.by == nil {
				of, other = other, of
			}
			if p := of.by; p != nil && p.Err == nil {
				name := "a boot record"
				if other.by != nil {
					name = other.by.what()
				}
				p.Err = corrupt(p.what(), p.Offset, p.FirstLBA, "first sector, and overlaps "+name)
			}
		}
		if u.to > widest.to {
			widest = u
		}
	}
}
