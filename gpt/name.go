package gpt

import "unicode/utf16"

// name returns the partition's name, up to the first NUL. Half a surrogate
// pair, which has no meaning, becomes U+FFFD.
func (e *GPTPartitionEntry) name() string {
	units := e.PartitionName[:]
	for i, u := range units {
		if u == 0 {
			units = units[:i]
			break
		}
	}
	return string(utf16.Decode(units))
}
