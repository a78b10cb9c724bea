// Package luks reads volumes of LUKS version 1: it unlocks them with a
// password and decrypts their sectors.
//
//	header:   592 bytes -> LuksPhdr, as stored -> Header, understood
//	unlock:   password -> PBKDF2 -> key of a slot -> split key, decrypted -> merged -> master key
//	          master key -> PBKDF2 -> equal to the digest? -> Cipher
//	read:     encrypted sector, its number -> Cipher -> plain sector
//
// [Open] does all of it and returns a [Volume], which is an io.ReaderAt of the
// plain data. [Parse] and [ReadHeader] need no password. [Header.Unlock] is for
// formats that keep their data elsewhere than behind the header, as qcow2 does.
// [NewCipher] needs no header: its caller has the key.
//
// Read are the ciphers aes and twofish, with keys of 128, 192 and 256 bits, in
// the modes ecb, cbc and xts, and cast5 with 128 bits in ecb and cbc; the IVs
// plain, plain64 and essiv; the hashes sha1, sha224, sha256, sha384, sha512 and
// ripemd160. Everything else is refused by name, with [ErrUnsupported]. LUKS
// version 2 is another format. Nothing is ever written.
//
// Headers are expected to be hostile. Lengths and places are checked before
// anything is allocated, and [Options] bound the iterations of PBKDF2, a field
// of the header that could otherwise keep a processor busy for days.
//
// The master key, derived keys and split keys are overwritten as soon as they
// have been used, the round keys of the ciphers when the cipher or the volume
// is closed. What hashes keep of a password inside is left to the garbage
// collector, and the password itself to the caller.
//
// Specification: LUKS On-Disk Format Specification 1.2.3. Sectors are numbered
// and decrypted as Linux's dm-crypt does.
package luks
