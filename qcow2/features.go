package qcow2

import (
	"fmt"
	"strings"
)

// IncompatMask holds the incompatible features that this package knows. An
// image with any other is refused.
const IncompatMask = QCOW2_INCOMPAT_DIRTY | QCOW2_INCOMPAT_CORRUPT | QCOW2_INCOMPAT_DATA_FILE |
	QCOW2_INCOMPAT_COMPRESSION | QCOW2_INCOMPAT_EXTL2

// A Feature is the name that an image gives to a feature bit.
type Feature struct {
	Type uint8 // QCOW2_FEAT_TYPE_*
	Bit  uint8
	Name string // not to be trusted
}

// parseFeatures returns the whole entries of a feature name table.
// Specification: "Feature name table".
func parseFeatures(data []byte) []Feature {
	features := make([]Feature, 0, len(data)/SizeofQcow2Feature)
	for ; len(data) >= SizeofQcow2Feature; data = data[SizeofQcow2Feature:] {
		var e Qcow2Feature
		e.Decode((*[SizeofQcow2Feature]byte)(data))
		features = append(features, Feature{Type: e.Type, Bit: e.Bit, Name: e.NameText()})
	}
	return features
}

// checkFeatures refuses incompatible features that this package does not
// know, by the names that the image gives them.
func (f *hostFile) checkFeatures(h *QCowHeader, named []Feature) error {
	unknown := h.IncompatibleFeatures &^ IncompatMask
	if unknown == 0 {
		return nil
	}
	var names []string
	for bit := range uint8(64) {
		if unknown>>bit&1 == 0 {
			continue
		}
		name := fmt.Sprintf("bit %d", bit)
		for _, n := range named {
			if n.Type == QCOW2_FEAT_TYPE_INCOMPATIBLE && n.Bit == bit {
				name = fmt.Sprintf("%q", n.Name)
			}
		}
		names = append(names, name)
	}
	return f.headerError("incompatible_features", OffsetofQCowHeader_IncompatibleFeatures, unknown,
		"unknown features: "+strings.Join(names, ", "), ErrUnsupported)
}
