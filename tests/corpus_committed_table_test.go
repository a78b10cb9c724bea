package tests

import (
	"fmt"
	"strings"
)

// committedRecipes describes the images under qcow2/testdata: one of each
// kind, in clusters as small as the kind allows.
func committedRecipes() []recipe {
	const (
		k        = 1 << 10
		password = "open sesame"
		secret   = "secret,id=key,data=" + password
	)
	textFile := command{"text", "text.bin", fmt.Sprint(64 * k), "1"}
	noiseFile := command{"noise", "noise.bin", fmt.Sprint(8 * k), "2"}
	// One cluster of each kind that compression can meet: a constant, text
	// that fills sectors partly, noise that stays uncompressed; then clusters
	// written over, in whole and in part.
	compressed := func(c int) command {
		return qio("qcow2", diskName,
			fmt.Sprintf("write -q -c -P 0x11 0 %d", c),
			fmt.Sprintf("write -q -c -s text.bin %d %d", c, c),
			fmt.Sprintf("write -q -c -s noise.bin %d %d", 2*c, c),
			fmt.Sprintf("write -q -c -P 0x22 %d %d", 7*c, c),
			fmt.Sprintf("write -q -c -s text.bin %d %d", 4*c, c),
			fmt.Sprintf("write -q -c -s text.bin %d %d", 5*c, c),
			fmt.Sprintf("write -q -P 0x33 %d %d", 4*c, c),
			fmt.Sprintf("write -q -P 0x44 %d %d", 5*c+100, 300),
		)
	}
	// Runs that continue on the host, runs that do not, parts of clusters,
	// both halves of an L2 boundary at 64 clusters.
	plain := func(c int) command {
		return qio("qcow2", diskName,
			fmt.Sprintf("write -q -P 0x01 0 %d", 2*c),
			fmt.Sprintf("write -q -P 0x04 %d %d", 4*c, c),
			fmt.Sprintf("write -q -P 0x03 %d %d", 3*c, c),
			fmt.Sprintf("write -q -P 0x06 %d 100", 6*c+200),
			fmt.Sprintf("write -q -s text.bin %d %d", 62*c, 4*c),
			fmt.Sprintf("write -q -P 0x07 %d 512", 80*c),
		)
	}
	return []recipe{{
		name:  "v2-plain",
		about: "version 2, plain clusters of 512 bytes over two L2 tables",
		steps: []command{textFile, create(diskName, 50*k, "compat=v2", "cluster_size=512"), plain(512)},
	}, {
		name:  "v3-plain",
		about: "version 3, plain clusters of 4 KiB",
		steps: []command{textFile, create(diskName, 512*k, "cluster_size=4k"), plain(4 * k)},
	}, {
		name:  "v3-plain-64k",
		about: "version 3 with the default cluster size, 64 KiB",
		steps: []command{create(diskName, 1024*k), qio("qcow2", diskName,
			"write -q -P 0x01 0 4k", "write -q -P 0x02 65000 1072", "write -q -P 0x03 512k 64k")},
	}, {
		name:  "v2-deflate",
		about: "version 2, deflate clusters of 512 bytes among plain ones",
		steps: []command{textFile, noiseFile, create(diskName, 8*k, "compat=v2", "cluster_size=512"), compressed(512)},
	}, {
		name:  "v3-deflate",
		about: "version 3, deflate clusters of 4 KiB among plain ones",
		steps: []command{textFile, noiseFile, create(diskName, 64*k, "cluster_size=4k"), compressed(4 * k)},
	}, {
		name:  "v3-zstd",
		about: "version 3, zstd clusters of 4 KiB among plain ones",
		steps: []command{textFile, noiseFile,
			create(diskName, 64*k, "cluster_size=4k", "compression_type=zstd"), compressed(4 * k)},
	}, {
		name:  "extended-l2",
		about: "subclusters of 512 bytes in every state, over a raw backing file",
		steps: []command{
			{"text", "base.raw", fmt.Sprint(100 * k), "3"},
			create(diskName, 128*k, "cluster_size=16k", "extended_l2=on", "backing_file=base.raw", "backing_fmt=raw"),
			qio("qcow2", diskName,
				"write -q -P 0x01 0 16k",      // all allocated
				"write -q -P 0x02 17k 1k",     // two in the middle
				"write -q -z 20k 512",         // zero beside unallocated
				"write -q -z 0 2k",            // zero over allocated
				"write -q -z 32k 16k",         // a whole cluster of zeros
				"write -q -z 49k 1k",          // zeros in a cluster without data
				"write -q -c -P 0x03 64k 16k", // compressed
				"write -q -P 0x04 112k 512",   // the last cluster's first
			)},
	}, {
		name:  "zero-clusters",
		about: "zero clusters with and without a host cluster, over a qcow2 that has data there",
		steps: []command{
			create("base.qcow2", 32*k, "cluster_size=512"),
			qio("qcow2", "base.qcow2", "write -q -P 0x55 0 32k"),
			create(diskName, 32*k, "cluster_size=512", "backing_file=base.qcow2", "backing_fmt=qcow2"),
			qio("qcow2", diskName,
				"write -q -P 0x01 0 4k",
				"write -q -z 512 1k",   // keeps its clusters
				"write -q -z -u 2k 1k", // gives them back
				"write -q -z 8k 4k",    // never had any
				"write -q -P 0x02 16k 1k",
				"discard -q 16k 512",
				"write -q -z 31k 1k",
			)},
	}, {
		name:  "chain",
		about: "three layers: 4 KiB clusters over 512 byte clusters over raw, each of another size",
		steps: []command{
			{"text", "base.raw", fmt.Sprint(24*k + 512), "4"},
			create("middle.qcow2", 40*k, "cluster_size=512", "backing_file=base.raw", "backing_fmt=raw"),
			qio("qcow2", "middle.qcow2", "write -q -P 0x61 5k 3k", "write -q -z 12k 1k", "write -q -P 0x62 23k 4k"),
			create(diskName, 48*k, "cluster_size=4k", "backing_file=middle.qcow2", "backing_fmt=qcow2"),
			qio("qcow2", diskName, "write -q -P 0x71 4k 4k", "write -q -z 8k 4k", "write -q -P 0x72 38k 4k"),
		},
	}, {
		name:  "data-file",
		about: "guest data in another file, which is no raw image",
		steps: []command{textFile,
			create(diskName, 512*k, "cluster_size=4k", "data_file=data.raw"), plain(4 * k),
			qio("qcow2", diskName, "write -q -z 64k 8k", "write -q -z 4k 4k")},
	}, {
		name:  "data-file-raw",
		about: "guest data in another file, which can be read as a raw image",
		steps: []command{textFile,
			create(diskName, 512*k, "cluster_size=4k", "data_file=data.raw", "data_file_raw=on"), plain(4 * k),
			qio("qcow2", diskName, "write -q -z 64k 8k", "write -q -z 4k 4k")},
	}, {
		name:  "snapshots",
		about: "two internal snapshots, the disk grown between them and written after",
		steps: []command{
			create(diskName, 16*k, "cluster_size=512"),
			qio("qcow2", diskName, "write -q -P 0x01 0 8k"),
			img("snapshot", "-c", "first", diskName),
			img("resize", "-q", "-f", "qcow2", diskName, fmt.Sprint(40*k)),
			qio("qcow2", diskName, "write -q -P 0x02 4k 2k", "write -q -P 0x03 38k 1k"),
			img("snapshot", "-c", "second snapshot", diskName),
			qio("qcow2", diskName, "write -q -P 0x04 0 512", "write -q -z 38k 512"),
		},
	}, {
		name:  "bitmaps",
		about: "three dirty bitmaps: recording, recording with another granularity, disabled",
		steps: []command{
			create(diskName, 1024*k, "cluster_size=4k"),
			img("bitmap", "--add", "-g", "4k", "-f", "qcow2", diskName, "fine"),
			qio("qcow2", diskName, "write -q -P 0x01 64k 16k"),
			img("bitmap", "--add", "-g", "64k", "-f", "qcow2", diskName, "coarse"),
			qio("qcow2", diskName, "write -q -P 0x02 512k 4k"),
			img("bitmap", "--add", "--disable", "-f", "qcow2", diskName, "disabled"),
			qio("qcow2", diskName, "write -q -P 0x03 900k 4k"),
		},
	}, {
		name:     "aes",
		about:    "AES encryption of old, plain and compressed clusters; the password is in this file",
		password: password,
		steps: []command{textFile,
			img("create", "-q", "-f", "qcow2", "--object", secret,
				"-o", "compat=v2,cluster_size=512,encrypt.format=aes,encrypt.key-secret=key", diskName, fmt.Sprint(16*k)),
			{"qemu-io", "-t", "unsafe", "--object", secret, "--image-opts",
				"-c", "write -q -P 0x01 0 1k", "-c", "write -q -s text.bin 3k 700", "-c", "write -q -P 0x02 8k 512",
				"driver=qcow2,encrypt.key-secret=key,file.driver=file,file.filename=" + diskName}},
	}, {
		name:     "luks",
		about:    "LUKS encryption: plain, zero and compressed clusters; the password is in this file",
		password: password,
		steps: []command{textFile,
			img("create", "-q", "-f", "qcow2", "--object", secret, "-o", "cluster_size=4k,encrypt.format=luks,encrypt.key-secret=key,"+
				"encrypt.iter-time=10,encrypt.cipher-alg=twofish-128,encrypt.cipher-mode=cbc,encrypt.ivgen-alg=plain64,encrypt.hash-alg=ripemd160",
				diskName, fmt.Sprint(64*k)),
			{"qemu-io", "-t", "unsafe", "--object", secret, "--image-opts",
				"-c", "write -q -P 0x01 0 5k", "-c", "write -q -s text.bin 17k 700", "-c", "write -q -z 32k 8k",
				"-c", "write -q -c -s text.bin 48k 4k", "-c", "write -q -P 0x02 60k 4k",
				"driver=qcow2,encrypt.key-secret=key,file.driver=file,file.filename=" + diskName}},
	}, {
		name:   "luks-metadata",
		about:  "LUKS encryption, metadata only: the key material was overwritten with zeros",
		noData: true,
		steps: []command{
			img("create", "-q", "-f", "qcow2", "--object", secret,
				"-o", "encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10", diskName, fmt.Sprint(1024*k)),
			{"clear", diskName, "0x41000", "0x3f000"},
		},
	}, {
		name:  "odd-size",
		about: "the disk ends inside a cluster, the last one compressed, the file ends inside it",
		steps: []command{textFile, create(diskName, 37*k+512, "cluster_size=4k"), qio("qcow2", diskName,
			"write -q -P 0x01 4k 4k", "write -q -c -s text.bin 36k 1536")},
	}, {
		name:  "size-0",
		about: "a disk without a single byte",
		steps: []command{create(diskName, 0, "cluster_size=512")},
	}, {
		name:  "refcount-width-1",
		about: "refcounts of one bit, lazy refcounts",
		steps: []command{textFile, create(diskName, 50*k, "cluster_size=512", "refcount_bits=1", "lazy_refcounts=on"),
			plain(512)},
	}, {
		name:  "long-names",
		about: "a backing file name with directories and dots, and the feature name table",
		steps: []command{
			{"text", "base.raw", fmt.Sprint(4 * k), "5"},
			create(diskName, 8*k, "cluster_size=4k", "backing_fmt=raw",
				"backing_file="+strings.Repeat("./", 200)+"base.raw"),
			qio("qcow2", diskName, "write -q -P 0x01 4k 1k"),
		},
	}}
}
