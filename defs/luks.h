/*
 * The LUKS header, version 1 (LUKS On-Disk Format Specification 1.2.3). It
 * says how the data behind it is encrypted. Numbers are big-endian. This file
 * is legal C; the text beside each definition becomes its Go documentation.
 */
#ifndef CSTRUCTGEN_DEFS_LUKS_H
#define CSTRUCTGEN_DEFS_LUKS_H

#include <stdint.h>

/* The first six bytes of every header. */
#define LUKS_MAGIC "LUKS\xba\xbe"
/* Length of the magic in bytes. */
#define LUKS_MAGIC_L 6
/* The version that is described here. */
#define LUKS_VERSION 1
/* Unit of offsets in the header, in bytes. */
#define LUKS_SECTOR_SIZE 512
/* Key slots in a header. */
#define LUKS_NUMKEYS 8
/* State of a key slot that holds no key. */
#define LUKS_KEY_DISABLED 0x0000dead
/* State of a key slot that holds a key. */
#define LUKS_KEY_ENABLED 0x00ac71f3
/* Pieces into which the material of a key slot is split. */
#define LUKS_STRIPES 4000
/* Length of the master key's digest in bytes. */
#define LUKS_DIGESTSIZE 20
/* Length of a salt in bytes. */
#define LUKS_SALTSIZE 32

/* One of the places for a key that opens the master key. */
struct luks_key_slot {
    uint32_t active;              /* LUKS_KEY_ENABLED or LUKS_KEY_DISABLED */
    uint32_t iterations;          /* of PBKDF2 over the password */
    uint8_t salt[LUKS_SALTSIZE];  /* of PBKDF2 over the password */
    uint32_t key_material_offset; /* of the encrypted master key, in sectors */
    uint32_t stripes;             /* LUKS_STRIPES */
};

/* The header. Strings end with a NUL, which is part of their field. */
struct luks_phdr {
    uint8_t magic[LUKS_MAGIC_L];         /* LUKS_MAGIC */
    uint16_t version;                    /* LUKS_VERSION */
    char cipher_name[32];                /* such as "aes" */
    char cipher_mode[32];                /* such as "xts-plain64" or "cbc-essiv:sha256" */
    char hash_spec[32];                  /* such as "sha256" */
    uint32_t payload_offset;             /* of the encrypted data, in sectors */
    uint32_t key_bytes;                  /* length of the master key */
    uint8_t mk_digest[LUKS_DIGESTSIZE];  /* of the master key, by PBKDF2 */
    uint8_t mk_digest_salt[LUKS_SALTSIZE]; /* of that digest */
    uint32_t mk_digest_iter;             /* iterations of that digest */
    char uuid[40];                       /* name of the volume */
    struct luks_key_slot key_slots[LUKS_NUMKEYS]; /* each may hold the master key, under its own password */
};

#endif
