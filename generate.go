//go:build generate

package cstructgen

//go:generate go run ./cmd/cstructgen --package qcow2 --endian big -o qcow2/defs_gen.go defs/qcow2.h
//go:generate go run ./cmd/cstructgen --package qcow2 --endian little -o qcow2/zstd_gen.go defs/zstd.h
//go:generate go run ./cmd/cstructgen --package luks --endian big -o luks/defs_gen.go defs/luks.h
