// Package cdump shows bytes as a C type: where each field lies, its bytes,
// and what they mean, for any definition, without generating code.
//
// It decodes as generated code does, field by field (a test over every format
// in the tree holds the two together), but it works on the resolved model, is
// not fast, and writes nothing back.
//
//	model, type name    -> Find -> type
//	model               -> New  -> Dumper
//	Dumper, type, bytes -> Root -> Node, its Children, theirs ... | WriteText: lines
//	                                                              | WriteJSON: an object
//
//	node.go    what lies where: fields, elements, padding
//	dynamic.go where that depends on the data
//	value.go   what the bytes of a number say
//	meaning.go what people know bytes as: times, wide text, UUIDs
//	symbol.go  names for numbers: enumerators, flags, constants in comments
//	find.go    types by name
//	text.go    the annotated hexdump; row.go says what is on its lines
//	json.go    the same for programs
//	work.go    how much of it a dump may take
//
// Nodes are made as they are asked for: memory is bounded by the bytes given,
// whatever array lengths a header declares, and so is time, whatever its structs
// and unions multiply: a dump that would take more ends with a *WorkError. Text from headers and data is
// quoted or escaped before it goes to a terminal.
package cdump
