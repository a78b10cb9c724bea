// Package diskmap draws where the bytes of a disk are stored: as SVG, as PNG,
// as text. It knows no format; who reads one tells it, piece by piece.
//
//	Add(off, n, kind, layer) -> cells -> rows of squares -> SVG | PNG
//	                                  \-> rows of characters
//
// A disk of any size becomes a few thousand cells of one size, a power of
// two, and that is all the memory it takes. A cell that holds several kinds
// shows each of them, however little there is, so that nothing is lost in a
// disk of terabytes. The same pieces give the same bytes.
//
// Colours are those of Okabe and Ito, which people see apart whatever colours
// they see; kinds differ in pattern and lightness, too.
package diskmap
