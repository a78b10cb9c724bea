//go:build generate

package cstructgen

//go:generate go run ./cmd/cstructgen --package qcow2 --endian big --test -o qcow2/defs_gen.go defs/qcow2.h
//go:generate go run ./cmd/cstructgen --package qcow2 --dialect dissect --endian big --test -o qcow2/tables_gen.go defs/dissect/qcow2_tables.h
//go:generate go run ./cmd/cstructgen --package qcow2 --endian little --test -o qcow2/zstd_gen.go defs/zstd.h
//go:generate go run ./cmd/cstructgen --package luks --endian big --test -o luks/defs_gen.go defs/luks.h
//go:generate go run ./cmd/cstructgen --package gpt --endian little --test -o gpt/defs_gen.go defs/gpt.h
//go:generate go run ./cmd/cstructgen --package main --endian big --test -o tests/bench/codec/records_gen.go tests/bench/codec/records.h
//go:generate go run ./cmd/cstructgen --package dissect --dialect dissect --test -o tests/dissect/sample_gen.go tests/dissect/sample.h
//go:generate go run ./cmd/cstructgen --package dissect --dialect dissect --test -o tests/dissect/zip_gen.go tests/dissect/zip.h
