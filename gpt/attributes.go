package gpt

import (
	"fmt"
	"strings"
)

// Attributes are the bits of a GPT partition, GPT_ATTRIBUTE_*.
type Attributes uint64

// String returns a as sfdisk writes it: names, and numbers of the bits that
// mean what the partition's type says.
func (a Attributes) String() string {
	var words, bits []string
	for i := range 64 {
		switch bit := Attributes(1) << i; {
		case a&bit == 0:
		case bit == GPT_ATTRIBUTE_REQUIRED:
			words = append(words, "RequiredPartition")
		case bit == GPT_ATTRIBUTE_NO_BLOCK_IO:
			words = append(words, "NoBlockIOProtocol")
		case bit == GPT_ATTRIBUTE_LEGACY_BIOS_BOOTABLE:
			words = append(words, "LegacyBIOSBootable")
		default:
			bits = append(bits, fmt.Sprint(i))
		}
	}
	if len(bits) > 0 {
		words = append(words, "GUID:"+strings.Join(bits, ","))
	}
	return strings.Join(words, " ")
}
