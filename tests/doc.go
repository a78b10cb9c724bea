// Package tests holds the tests that cross rooms: what no single package can
// say of itself. It has no code of its own.
//
// The truth comes from outside. gcc says how C lays out memory; qemu-img and
// qemu-io say what a disk image holds. Each is found by requireTool: on a
// laptop a missing one skips the test and says so, with CI=true it fails it.
//
// Disk images come from three places:
//
//   - ../qcow2/testdata/images: small ones, committed with what qemu-img said
//     of them, so that `go test ./...` has real input on any machine;
//   - the corpus: every combination of properties that an image can have,
//     built by qemu-img and qemu-io from recipes (corpus_*_test.go);
//   - altered images: a good one with single fields changed, to be refused or
//     read as the specification has it (altered_*_test.go).
//
// The rules (rules_*_test.go) say what all of them show. Each has a name, in
// our words, the section of the specification or the function of QEMU that it
// comes from, images that keep it and images that break it; where QEMU decides
// otherwise it has the difference, in the words of the README. TestRules/NAME
// decides the rule of that name.
package tests
