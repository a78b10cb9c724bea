package gen

import "testing"

func TestExported(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"l1_table_offset", "L1TableOffset"},
		{"QCowHeader", "QCowHeader"},
		{"ext4_super_block", "Ext4SuperBlock"},
		{"__s8", "S8"},
		{"EFI_GUID", "EfiGuid"},
		{"_EFI_GUID", "EfiGuid"},
		{"UUID_", "UUID"},
		{"BITMAPV4HEADER", "BITMAPV4HEADER"},
		{"BPB_BytsPerSec", "BPBBytsPerSec"},
		{"_pad", "Pad"},
		{"trailing_", "Trailing"},
		{"double__under", "DoubleUnder"},
		{"type", "Type"},
		{"_64bit", "X64bit"},
		{"_", "X"},
		{"élan", "Élan"},
		{"名", "X名"},
	} {
		if got := exported(c.in); got != c.want {
			t.Errorf("exported(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestConstantName(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"QCOW2_MAGIC", "QCOW2_MAGIC"},
		{"BME_FLAG_AUTO", "BME_FLAG_AUTO"},
		{"Mixed_Case", "Mixed_Case"},
		{"lower_case", "LowerCase"},
		{"_IOC_NONE", "IOCNONE"},
	} {
		if got := constantName(c.in); got != c.want {
			t.Errorf("constantName(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}
