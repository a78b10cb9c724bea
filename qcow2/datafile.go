package qcow2

// hasDataFile reports whether guest data lies in another file: what the
// feature bit says, not whether one was opened.
func (im *Image) hasDataFile() bool { return im.active.dataFile }

// DataFile returns the name of the external data file as the image has it,
// not to be trusted. ok is false if the image has no such file; the name is
// "" if it has one and does not name it. Specification: "External data file
// name string".
func (im *Image) DataFile() (name string, ok bool) {
	if !im.hasDataFile() {
		return "", false
	}
	if x := find(im.extensions, QCOW2_EXT_MAGIC_DATA_FILE); x != nil {
		name = string(x.Data)
	}
	return name, true
}

// openData finds the file of im's guest data. Where that is not to be had it
// is left to reads that need it.
func (o *opener) openData(im *Image, depth int) error {
	name, ok := im.DataFile()
	if !ok {
		im.data = im.file
		if im.header.AutoclearFeatures&QCOW2_AUTOCLEAR_DATA_FILE_RAW != 0 {
			im.readErr = im.file.headerError("autoclear_features", OffsetofQCowHeader_AutoclearFeatures,
				im.header.AutoclearFeatures, "a raw data file, in an image without a data file", ErrCorrupt)
		}
		return nil
	}
	given := o.opts.DataFile
	if depth > 0 {
		given = nil
	}
	ref := Reference{Kind: KindData, Name: name, Format: formatRaw, From: im.file.name, Depth: depth}
	if name == "" && given == nil {
		im.dataErr = &ReferenceError{ref, im.file.shown, errNoName}
		return nil
	}
	s, err := o.open(im, given, ref)
	if err != nil {
		im.dataErr = &ReferenceError{ref, im.file.shown, err}
		return nil
	}
	if im.data, err = o.admit(s, name, im.fullName(name, s)); err != nil {
		return o.miss(&im.dataErr, err)
	}
	return nil
}
