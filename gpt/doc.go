// Package gpt reads the partition tables of disks: master boot records (MBR),
// with extended and logical partitions, and GUID partition tables (GPT). It
// writes nothing, and looks into no partition.
//
//	first sector -> MasterBootRecord -> records -> chain of an extended partition
//	                     | protects
//	                     v
//	                GPTHeader, or its backup -> entries
//
// What a table says is checked before it is used: both checksums of a GPT,
// and that each partition ends after it begins, lies on the disk, where the
// table allows partitions, and apart from the others. Nothing is allocated for
// a table before its size is known to be sane and inside the disk, and no
// chain is followed twice to the same place: 4 MiB for an array of entries and
// what its partitions take are the most that a table of any content costs.
//
// Specification: UEFI 2.10, chapter 5 "GUID Partition Table (GPT) Disk
// Layout", which has the MBR, too. It leaves extended partitions to others;
// where systems differ, those are read as Linux does (block/partitions).
package gpt
