// Codec measures decoding and encoding of the same bytes into the same Go
// types by generated code, by code written by hand with one check of the
// length, by encoding/binary and by struc, all in one run:
//
//	go run ./tests/bench/codec
//
// It prints the median time of generated Decode and Encode, and how many times
// as long the others take: the median of the ratios. UnmarshalBinary is Decode
// with a check of the length. The rounds of all go in turn, so that what else
// the machine does falls on all of them. The same cases are benchmarks:
//
//	go test ./tests/bench/codec -run '^$' -bench . -benchmem
package main
