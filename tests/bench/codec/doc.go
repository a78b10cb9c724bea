// Codec measures decoding and encoding of the same bytes into the same Go
// types by generated code, by code written by hand with one check of the
// length, by encoding/binary and by struc, all in one run:
//
//	go run ./tests/bench/codec
//
// It prints the median time of each and, as a ratio, how much longer than
// generated code it takes. The rounds of all go in turn, so that what else
// the machine does falls on all of them. The same cases are benchmarks:
//
//	go test ./tests/bench/codec -run '^$' -bench . -benchmem
package main
