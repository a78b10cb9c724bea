package tests

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// A difference is something that we make of images unlike QEMU, on purpose.
// The README has all of them, in these words.
type difference struct {
	side string // "stricter": we refuse more; "laxer": we read more; "other": both read, not the same
	says string
}

var (
	notGuessed = &difference{"stricter", "Files that an image names need `--allow-dir`, and a backing file whose overlay names no format needs " +
		"`--backing-format`: QEMU opens the one and guesses the other."}
	noProtocols = &difference{"stricter", "Names of files are paths: `nbd:`, `json:`, `file:` and the like are refused; QEMU has drivers for them."}
	wholeNames  = &difference{"stricter", "The name of a file, or of a format, is all its bytes, and one with a NUL is refused; QEMU's ends there."}
	pastEnd     = &difference{"stricter", "Bytes past the end of a cut file are an error; QEMU reads zeros (`Options.ZeroFillTruncated` does, too)."}
	multipleOf8 = &difference{"stricter", "A `header_length` that is no multiple of 8 is refused, as the specification has it."}
	noLoops     = &difference{"stricter", "A chain that comes back to a file that is already open, or has more than 64 layers, is refused; QEMU follows it."}
	wholeChain  = &difference{"stricter", "A backing file that may be opened and is not what the overlay says makes opening fail, for `info` too; QEMU's looks at the image alone."}
	ourCiphers  = &difference{"stricter", "LUKS with serpent, mode ctr, or md5 is refused, and so is more work for a password than 200 million iterations " +
		"(`Options.MaxIterations`); QEMU reads the ones and does the other."}
	onlyPart    = &difference{"laxer", "Broken snapshot, bitmap or refcount tables, or LUKS headers, fail those who ask for them; QEMU refuses the whole image."}
	extraData   = &difference{"laxer", "A bitmap with extra data is listed, as one that cannot be read; QEMU refuses the whole image."}
	tablesAlone = &difference{"laxer", "An image whose backing or data file is missing tells what it holds itself: `snapshot -l`, and with a data file `map`; QEMU refuses it."}
	fullCluster = &difference{"laxer", "A deflate cluster is whole when it is full; QEMU goes on and refuses nonsense behind it."}
	checkGoesOn = &difference{"laxer", "`check` goes on where a table is broken or lies far outside, or a backing or data file is missing, which QEMU refuses or fails on; " +
		"it counts zero clusters in version 2 and clusters elsewhere in a data file, which QEMU tells only who reads them; it repairs nothing."}
	shortHeader = &difference{"laxer", "A LUKS password is any bytes, and key material takes the bytes that it needs, after the 592 of the header; QEMU wants UTF-8, and multiples of 4096 bytes."}
	wholeBytes  = &difference{"other", "A virtual size that is no multiple of 512 stays as it is; QEMU rounds it down."}
	ownSize     = &difference{"other", "A snapshot has the size that the disk had; QEMU shows it in the size that the disk has now."}
	beside      = &difference{"other", "The name of a data file is relative to the image's directory; QEMU takes it relative to its own."}
)

// differences are all of them, in the order of the README.
var differences = []*difference{
	notGuessed, noProtocols, wholeNames, pastEnd, multipleOf8, noLoops, wholeChain, ourCiphers, onlyPart, extraData, tablesAlone, fullCluster, checkGoesOn, shortHeader,
	wholeBytes, ownSize, beside,
}

// TestReadmeListsTheDifferences reads the list behind the line of the README
// that announces it.
func TestReadmeListsTheDifferences(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, ok := strings.Cut(string(readme), "\nWhere we differ from QEMU on purpose:\n\n")
	if !ok {
		t.Fatal("no such list")
	}
	list, _, _ = strings.Cut(list, "\n\n")
	var got, want []string
	for item := range strings.SplitSeq(strings.TrimPrefix(list, "- "), "\n- ") {
		got = append(got, strings.Join(strings.Fields(item), " "))
	}
	for _, d := range differences {
		want = append(want, d.says)
	}
	if !slices.Equal(got, want) {
		t.Errorf("README\n%s\ntests\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
