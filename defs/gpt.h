/*
 * Partition tables of disks: the legacy master boot record (MBR) and the GUID
 * partition table (GPT).
 *
 * Names and values are those of the UEFI specification, chapter 5. All numbers
 * are little-endian. This file is legal C; the text beside each definition
 * becomes its Go documentation.
 */
#ifndef CSTRUCTGEN_DEFS_GPT_H
#define CSTRUCTGEN_DEFS_GPT_H

#include <stdint.h>

/* The last two bytes of a master boot record, as a number. */
#define MBR_SIGNATURE 0xaa55
/* Partition records in a master boot record. */
#define MBR_PARTITION_RECORDS 4
/* BootIndicator of the partition that a BIOS boots. */
#define MBR_BOOTABLE 0x80
/* BootIndicator of all others. */
#define MBR_NOT_BOOTABLE 0x00

/* OSType of a record that is not in use. */
#define MBR_TYPE_UNUSED 0x00
/* OSType of an extended partition, which holds logical ones. */
#define MBR_TYPE_EXTENDED 0x05
/* OSType of an extended partition beyond what CHS addresses can say. */
#define MBR_TYPE_EXTENDED_LBA 0x0f
/* OSType of an extended partition of Linux. */
#define MBR_TYPE_EXTENDED_LINUX 0x85
/* OSType of the record that protects a GUID partition table. */
#define MBR_TYPE_GPT_PROTECTIVE 0xee
/* OSType of an EFI system partition. */
#define MBR_TYPE_EFI_SYSTEM 0xef

/*
 * A record of a partition. In an extended partition's boot record the first
 * counts from that record, and the second names the next one, counted from the
 * start of the extended partition.
 */
typedef struct {
    uint8_t BootIndicator;  /* MBR_BOOTABLE or MBR_NOT_BOOTABLE */
    uint8_t StartingCHS[3]; /* of the first sector; not to be relied on */
    uint8_t OSType;         /* MBR_TYPE_* and many others */
    uint8_t EndingCHS[3];   /* of the last sector; not to be relied on */
    uint32_t StartingLBA;   /* first sector */
    uint32_t SizeInLBA;     /* length in sectors */
} __attribute__((packed)) MBRPartitionRecord;

/* The first sector of a disk, and of each link of an extended partition. */
typedef struct {
    uint8_t BootCode[440];           /* run by a BIOS */
    uint32_t UniqueMBRDiskSignature; /* tells disks apart; set by the system */
    uint16_t Unknown;                /* not to be used */
    MBRPartitionRecord PartitionRecord[MBR_PARTITION_RECORDS]; /* the four partitions */
    uint16_t Signature;              /* MBR_SIGNATURE */
} __attribute__((packed)) MasterBootRecord;

/* The first eight bytes of a GPT header. */
#define GPT_SIGNATURE "EFI PART"
/* Length of that in bytes. */
#define GPT_SIGNATURE_SIZE 8
/* Revision 1.0, the only one. */
#define GPT_REVISION 0x00010000
/* Where the primary header lies. */
#define GPT_PRIMARY_HEADER_LBA 1
/* Smallest sectors, in bytes. */
#define GPT_MIN_SECTOR_SIZE 512
/* Largest sectors in use, in bytes. */
#define GPT_MAX_SECTOR_SIZE 4096
/* SizeOfPartitionEntry is a multiple of this, in older editions. */
#define GPT_ENTRY_ALIGNMENT 8
/* Characters of a partition's name. */
#define GPT_NAME_LENGTH 36

/* Attribute: the platform needs the partition to work. */
#define GPT_ATTRIBUTE_REQUIRED (1 << 0)
/* Attribute: firmware must not look inside. */
#define GPT_ATTRIBUTE_NO_BLOCK_IO (1 << 1)
/* Attribute: a legacy BIOS may boot it. */
#define GPT_ATTRIBUTE_LEGACY_BIOS_BOOTABLE (1 << 2)
/* Attribute: first of the bits whose meaning the partition's type gives. */
#define GPT_ATTRIBUTE_TYPE_SPECIFIC_SHIFT 48

/* A name that is given once. Its text form has the first three as numbers. */
typedef struct {
    uint32_t Data1;   /* first part of the text form, as a number */
    uint16_t Data2;   /* second part */
    uint16_t Data3;   /* third part */
    uint8_t Data4[8]; /* fourth and fifth part, byte by byte */
} EFI_GUID;

/* The header. There are two, each with an array of entries of its own. */
typedef struct {
    char Signature[GPT_SIGNATURE_SIZE]; /* GPT_SIGNATURE */
    uint32_t Revision;                  /* GPT_REVISION */
    uint32_t HeaderSize;                /* in bytes; 92, and no more than a sector */
    uint32_t HeaderCRC32;               /* of HeaderSize bytes, with 0 in this field */
    uint32_t Reserved;                  /* 0 */
    uint64_t MyLBA;                     /* of this header */
    uint64_t AlternateLBA;              /* of the other header */
    uint64_t FirstUsableLBA;            /* first sector that a partition may use */
    uint64_t LastUsableLBA;             /* last one */
    EFI_GUID DiskGUID;                  /* tells disks apart */
    uint64_t PartitionEntryLBA;         /* of the array of entries */
    uint32_t NumberOfPartitionEntries;  /* used or not */
    uint32_t SizeOfPartitionEntry;      /* in bytes: 128, or a power of two of it */
    uint32_t PartitionEntryArrayCRC32;  /* of the array */
} __attribute__((packed)) GPTHeader;

/* An entry of the array; what SizeOfPartitionEntry adds to it is reserved. */
typedef struct {
    EFI_GUID PartitionTypeGUID;   /* what the partition is for; zeros: not in use */
    EFI_GUID UniquePartitionGUID; /* tells partitions apart */
    uint64_t StartingLBA;         /* first sector */
    uint64_t EndingLBA;           /* last sector */
    uint64_t Attributes;          /* GPT_ATTRIBUTE_* */
    uint16_t PartitionName[GPT_NAME_LENGTH]; /* UTF-16, padded with NULs */
} GPTPartitionEntry;

#endif
